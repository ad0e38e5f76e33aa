"""Wall and CPU time of what a peer does."""
import resource
import time


def stamp():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime


def lap(since):
    now = stamp()
    return {"wall_s": now[0] - since[0], "cpu_s": now[1] - since[1]}
