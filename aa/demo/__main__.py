"""`python -m aa.demo`: the demo, and packaging a training's result as the example."""

from aa.interrupts import listen

if __name__ == "__main__":
    listen()  # to a signal while the rest is imported, too
    from aa.cli.demo import main

    main()
