/*
 * "StreamDiffusion Cam.app/Contents/MacOS/StreamDiffusion Cam": Python with the app's identity.
 *
 * macOS grants a camera to the program image that runs. A launcher that execs python would run as
 * python: the camera would be authorised, but deliver no frames (tweakoz/orkid#236). So this
 * program loads libpython into its own process.
 *
 * `sdcam service install` writes ../Resources/python.txt, which names the Python:
 *     line 1: the library, such as /opt/homebrew/.../Python or /usr/lib/.../libpython3.11.so.1.0
 *     line 2: the interpreter that it replaces; for a venv, the python in the venv
 *
 * With arguments it behaves as that interpreter ("-m sdcam run"). Without any (a double click) it
 * makes macOS ask for the camera. It sets SDCAM_LAUNCHER to its own path; sdcam/workers/child.py
 * reads that and starts all child processes of the service through this program, too.
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
#define FAILED 126 /* a shell's exit code for a program that cannot run */

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "StreamDiffusion Cam: %s: %s. Run `sdcam service install` again.\n", what, why);
    exit(FAILED);
}

/* The real path of this program, with links resolved. */
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

    /* GLOBAL: extension modules look for Python's symbols in the program. */
    void *python = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (python == NULL)
        fail("Python cannot be loaded", dlerror());
    int (*run_python)(int, char **) = (int (*)(int, char **))dlsym(python, "Py_BytesMain");
    if (run_python == NULL)
        fail("Python cannot be started", dlerror());

    setenv("SDCAM_LAUNCHER", self, 1);
    if (argc < 2)
        return run_python((int)(sizeof ask / sizeof *ask) - 1, ask);
    /* Python finds its library and pyvenv.cfg from argv[0]. */
    argv[0] = interpreter;
    return run_python(argc, argv);
}
