"""Which player it is, by what it says of itself (User-Agent). The first that fits: many name others, too."""

import re

PLAYERS = [
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("VLC", r"\bVLC\b|LibVLC"),
        ("Winamp", r"winamp|nullsoft"),
        ("foobar2000", r"foobar2000"),
        ("iTunes, Apple Music", r"\biTunes\b|\bMusic/\d"),
        ("Sonos", r"sonos"),
        ("Amazon Alexa", r"alexa|\bEcho\b|AmazonMusic"),
        ("Google Cast", r"\bCrKey\b|GoogleHome|Google-Home"),
        ("TuneIn", r"tunein"),
        ("radio.net", r"radio\.(net|de|at|fr)"),
        ("myTuner", r"mytuner"),
        ("RadioDroid", r"radiodroid"),
        ("hardware radio", r"frontier silicon|\bFSAPI\b|reciva|\bIR Player\b|internet radio|\bRaumfeld\b"),
        ("hardware radio", r"\bBose\b|\bLinn\b|denon|yamaha|sangean"),
        ("Kodi", r"kodi|xbmc"),
        ("MPlayer, mpv", r"mplayer|\bmpv\b"),
        ("ffmpeg", r"\bLavf|ffmpeg"),
        ("GStreamer", r"gstreamer|souphttpsrc|Rhythmbox|Clementine|Strawberry"),
        ("Windows Media Player", r"NSPlayer|Windows-Media-Player|WMFSDK"),
        ("Android player", r"ExoPlayer|stagefright|Dalvik|AndroidMedia"),
        ("Apple player", r"AppleCoreMedia|CFNetwork"),
        ("Edge", r"\bEdg(e|A|iOS)?/"),
        ("Opera", r"\bOPR/|Opera"),
        ("Firefox", r"firefox|fxios"),
        ("Chrome", r"chrome|crios|chromium"),
        ("Safari", r"safari"),
        ("program", r"curl|wget|python|libcurl|okhttp|Java/|Go-http"),
    )
]


def player_of(agent: str) -> str:
    """Its name, or `other`; `unknown` where it says nothing."""
    if not agent or agent == "-":
        return "unknown"
    return next((name for name, pattern in PLAYERS if pattern.search(agent)), "other")
