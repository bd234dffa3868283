/*
 * "StreamDiffusion Cam.app/Contents/MacOS/StreamDiffusion Cam": Python, under the app's own identity.
 *
 * macOS gives a camera permission to the program image that runs. A launcher that execs python
 * would run as python, and the camera would be authorised and yet deliver nothing
 * (tweakoz/orkid#236). So libpython is loaded into this very process.
 *
 * ../Resources/python.txt, written by `sdcam service install`, says which Python:
 *     line 1: the library, such as /opt/homebrew/.../Python or /usr/lib/.../libpython3.11.so.1.0
 *     line 2: the interpreter that it stands for; of a venv, the python in the venv
 *
 * With arguments it is that interpreter ("-m sdcam run"). Opened without any, by a double click,
 * it asks for the camera. Child processes of the service are started through it too: it leaves its
 * own path in SDCAM_LAUNCHER, which sdcam/workers/child.py reads.
 *
 * Built by: cc -O2 -o "StreamDiffusion Cam" launcher.c   (Linux before glibc 2.34: -ldl)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#define LINE (PATH_MAX + 2)
#define FAILED 126 /* as a shell says of what cannot be run */

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "StreamDiffusion Cam: %s: %s. Run `sdcam service install` again.\n", what, why);
    exit(FAILED);
}

/* The real path of this program, whatever name it was started by. */
static void find_self(char self[PATH_MAX])
{
#ifdef __APPLE__
    char name[PATH_MAX];
    uint32_t size = sizeof name;
    if (_NSGetExecutablePath(name, &size) != 0 || realpath(name, self) == NULL)
        fail("its own path", strerror(errno));
#else
    ssize_t length = readlink("/proc/self/exe", self, PATH_MAX - 1);
    if (length < 0)
        fail("/proc/self/exe", strerror(errno));
    self[length] = '\0';
#endif
}

/* Contents/MacOS/program -> Contents/Resources/python.txt */
static void find_note(const char *self, char note[PATH_MAX])
{
    char contents[PATH_MAX];
    snprintf(contents, sizeof contents, "%s", self);
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr(contents, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    if (snprintf(note, PATH_MAX, "%s/Resources/python.txt", contents) >= PATH_MAX)
        fail(self, "the path is too long");
}

static void read_line(FILE *file, const char *note, char line[LINE])
{
    if (fgets(line, LINE, file) == NULL)
        fail(note, "a line is missing");
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] != '/')
        fail(note, "a line is not an absolute path");
}

int main(int argc, char **argv)
{
    static char self[PATH_MAX], note[PATH_MAX], library[LINE], interpreter[LINE];
    static char *ask[] = {interpreter, "-m", "sdcam", "service", "ask-permission", NULL};

    find_self(self);
    find_note(self, note);
    FILE *file = fopen(note, "r");
    if (file == NULL)
        fail(note, strerror(errno));
    read_line(file, note, library);
    read_line(file, note, interpreter);
    fclose(file);

    /* GLOBAL: extension modules expect to find Python's symbols in the program. */
    void *python = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (python == NULL)
        fail("Python cannot be loaded", dlerror());
    int (*run_python)(int, char **) = (int (*)(int, char **))dlsym(python, "Py_BytesMain");
    if (run_python == NULL)
        fail("Python cannot be started", dlerror());

    setenv("SDCAM_LAUNCHER", self, 1);
    if (argc < 2)
        return run_python((int)(sizeof ask / sizeof *ask) - 1, ask);
    /* Python looks for its library and for pyvenv.cfg from the name it was called by. */
    argv[0] = interpreter;
    return run_python(argc, argv);
}
