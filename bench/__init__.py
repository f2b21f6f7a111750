"""What the platform costs, measured beside what is asked of it: `python -m bench`.

Every server runs in a process of its own over loopback: the platform (`bench.serve`), the two things that it is held
against (`bench.relay`, `bench.empty`), the fake model (`tests.fakes.upstream`), and the load (`bench.load`). What is
compared is measured in turns within one run, several times, and the medians are shown: absolute figures of a shared
machine drift, their ratios hold.
"""
