"""`python -m aa.data`: fetch the published training set."""

from aa.interrupts import listen

if __name__ == "__main__":
    listen()  # to a signal while the rest is imported, too
    from aa.cli.data import main

    main()
