"""Whether a file is audio that a channel can be left alone with. Installed beside the programs that use it."""

import re
import subprocess

LEAST_SECONDS = 5
# Below these it is silence: the loudest sample, and the mean over all. A click in an hour of nothing is no show.
LEAST_PEAK_DB = -40
LEAST_MEAN_DB = -60
# Mono at 8 kHz is enough to know how long and how loud it is.
RATE_HZ = 8000
LIMIT_SECONDS = 3600


def problem(path: str) -> str | None:
    """Why it cannot be played from end to end, in words, or None."""
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-v", "level+info", "-xerror"]
    # A text that names other files, or addresses, is no audio.
    command += ["-protocol_whitelist", "file", "-i", f"file:{path}", "-map", "0:a:0"]
    command += ["-af", f"aresample={RATE_HZ},aformat=channel_layouts=mono,volumedetect", "-f", "null", "-"]
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"FFmpeg was not done with it within {LIMIT_SECONDS} s"
    told = result.stderr.decode(errors="replace")
    if result.returncode != 0:
        reasons = [line for line in told.splitlines() if "[error]" in line or "[fatal]" in line]
        return "FFmpeg cannot decode it: " + (reasons or ["no reason given"])[0].strip()
    return verdict(told)


def verdict(told: str) -> str | None:
    """The same, by what FFmpeg's volumedetect told."""

    def figure(name: str) -> float | None:
        found = re.findall(rf"{name}: (-?[0-9.]+|-?inf)", told)
        return float(found[-1]) if found else None

    samples, peak, mean = figure("n_samples"), figure("max_volume"), figure("mean_volume")
    if samples is None or samples < LEAST_SECONDS * RATE_HZ:
        return f"it holds {(samples or 0) / RATE_HZ:.1f} s of audio, less than {LEAST_SECONDS}"
    if peak is None or mean is None or peak < LEAST_PEAK_DB or mean < LEAST_MEAN_DB:
        return f"it is silent: peak {peak} dB, mean {mean} dB"
    return None
