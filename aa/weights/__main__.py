"""`python -m aa.weights`: look into weights, convert them, download published ones."""

from aa.interrupts import listen

if __name__ == "__main__":
    listen()  # to a signal while the rest is imported, too
    from aa.cli.weights import main

    main()
