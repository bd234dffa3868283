"""`python -m sdcam`."""

if __name__ == "__main__":
    try:
        from sdcam.cli import main

        code = main()
    except KeyboardInterrupt:  # before `main` could see to it
        code = 130
    raise SystemExit(code)
