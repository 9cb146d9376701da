import { each, jsonFile, program, pythonModule, textFile, unit } from "../machine/files";
import type { MachineFile } from "../machine/role";
import { burstSeconds, relayMounts } from "./mounts";
import { feedPort, upstreamPort } from "./ports";
import type { RelayPlan } from "./plan";
import { slots } from "./slots";

const modules = [
    "alignment.py",
    "control.py",
    "frames.py",
    "history.py",
    "icy.py",
    "keeper.py",
    "lineup.py",
    "output.py",
    "problem.py",
    "programme.py",
    "rounds.py",
    "run.py",
    "slot.py",
    "source.py",
    "track.py",
    "upstream.py",
];

/** The feed, which makes one continuous stream of what the upstreams send, and the standby audio that it falls back to. */
export function feedFiles(plan: RelayPlan): MachineFile[] {
    const formats = plan.channels.flatMap((channel) => channel.formats);
    const loops = new Set(formats.map(({ codec, bitrateKbps }) => `${codec} ${bitrateKbps}\n`));
    return [
        program("relay/feed/aerial-feed.py"),
        ...each("relay/feed/feed", modules, (template) => pythonModule(template, "feed")),
        unit("relay/feed/aerial-feed.service"),
        jsonFile("/etc/aerial/feed/feed.json", {
            slots: slots.map(({ name, icecastPorts }) => ({ name, port: icecastPorts[0] })),
            controlPort: feedPort,
            stallSeconds: plan.stallSeconds,
            burstSeconds,
            upstreams: plan.upstreams.map(({ id }, index) => ({ id, port: upstreamPort(index) })),
            mounts: relayMounts(plan.channels).map(({ mount, contentType, title, standby }) => ({
                mount,
                contentType,
                standby,
                // It becomes a header of the source's request.
                name: title.replace(/\p{Cc}/gu, " "),
            })),
        }),
        program("relay/standby/standby-audio.sh"),
        unit("relay/standby/aerial-standby-audio.service"),
        textFile("/etc/aerial/standby/announcement.txt", announcement(plan.stationName)),
        textFile("/etc/aerial/standby/formats", [...loops].join("")),
    ];
}

/** What the Relay says when it hears from no Master. */
function announcement(stationName: string): string {
    return `${stationName}. We will be back in a moment. Please stay with us.\n`;
}
