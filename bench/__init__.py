"""What Windowseat costs, beside a floor, in interleaved rounds of one run. `python -m bench` prints the tables."""
