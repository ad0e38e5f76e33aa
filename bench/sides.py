"""One side of a pair, run and measured; rows of the table made of pairs. Knows neither this program nor its peers."""
import json
import os
import re
import statistics
import subprocess
import sys
import threading


class Sampler(threading.Thread):
    """Reads /proc/PID/status every 10 ms: the high-water mark of resident memory, and the peak of what is not
    file-backed (mapped checkpoints count in the first and not in the second). MiB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path, self.resident, self.anonymous, self.ended = f"/proc/{pid}/status", 0, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.01):
            try:
                fields = dict(re.findall(r"^(VmHWM|RssAnon|RssShmem):\s+(\d+) kB", open(self.path).read(), re.M))
            except (FileNotFoundError, ProcessLookupError):
                return
            if not fields:  # ended, not yet waited for
                return
            self.resident = max(self.resident, int(fields["VmHWM"]) / 1024)
            self.anonymous = max(self.anonymous, (int(fields["RssAnon"]) + int(fields["RssShmem"])) / 1024)

    def stop(self):
        self.ended.set()
        self.join()
        return {"vm_hwm_mib": round(self.resident), "anonymous_mib": round(self.anonymous)}


def measured(arguments, threads):
    """Runs a side; its JSON with its memory."""
    environment = os.environ | {"BENCH_THREADS": str(threads), "OMP_NUM_THREADS": str(threads),
                                "NUMBA_NUM_THREADS": str(threads)}
    process = subprocess.Popen([str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment)
    sampler = Sampler(process.pid)
    out, errors = process.communicate()
    memory = sampler.stop()
    if process.returncode != 0:
        sys.exit(f"bench/run.py: {arguments} ended with {process.returncode}:\n{errors}")
    return json.loads(out.splitlines()[-1]) | memory


def per_second(result, key, count, time_key="wall_s"):
    return count / sum(part[time_key] for part in result[key])


def row(name, pairs, rates, unit, target):
    """`rates` gives a pair's two speeds by 'wall_s' or 'cpu_s'; the ratio is of each pair, then the median."""
    found = {"name": name, "unit": unit, "target": target}
    for label, key in (("wall", "wall_s"), ("cpu", "cpu_s")):
        speeds = [rates(pair, key) for pair in pairs]
        found[label] = {"ours": statistics.median(s[0] for s in speeds), "peer": statistics.median(s[1] for s in speeds),
                        "ratio": statistics.median(s[0] / s[1] for s in speeds),
                        "ratios": [round(s[0] / s[1], 3) for s in speeds]}
    return found


def training_pairs(name, sides, options, batch, tolerance):
    """`sides`: two commands, the first of this program. Speeds in cells/s, of batches of so many cells."""
    pairs = []
    for _ in range(options.pairs):
        a, b = (measured(side, options.threads) for side in sides)
        if abs(a["check_loss"] - b["check_loss"]) > tolerance:
            sys.exit(f"bench/run.py: the losses differ: {a['check_loss']} and {b['check_loss']}")
        for side in (a, b):
            side["timed"] = side["steps"][1:]  # the first step makes the optimiser's arrays
        pairs.append((a, b))
        print(f"{name}: {[round(per_second(s, 'timed', batch * len(s['timed'])), 3) for s in (a, b)]} cells/s, "
              f"{a['vm_hwm_mib']} and {b['vm_hwm_mib']} MiB", file=sys.stderr)
    return pairs, lambda pair, key: [per_second(side, "timed", batch * len(side["timed"]), key) for side in pair]


def memory_row(name, pairs, target):
    """High-water marks of both sides; their ratio, and that of what is not file-backed."""
    found = {"name": name, "unit": "MiB", "target": target}
    for label, key in (("wall", "vm_hwm_mib"), ("anonymous", "anonymous_mib")):
        a, b = (statistics.median(pair[i][key] for pair in pairs) for i in (0, 1))
        found[label] = {"ours": a, "peer": b, "ratio": a / b}
    return found


def limit_row(name, values, unit, target):
    """A figure that has a limit and no peer."""
    return {"name": name, "unit": unit, "target": target, "wall": {"ours": statistics.median(values), "all": values}}
