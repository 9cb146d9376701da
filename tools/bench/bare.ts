import type { Station } from "../station/station";

/*
 * Icecast alone on a Relay's machine, with the settings of its package: what the Relay is compared with. It pulls the
 * mounts from the preferred upstream, by the Relay's NGINX, so that whoever feeds the Relay's Icecast does not set its
 * rhythm. It ends with the bench.
 */

const unit = "aerial-bench-icecast";
const configuration = "/run/aerial-bench-icecast.xml";

export const bareUnit = `${unit}.service`;
export const barePort = 8099;
/** Where the Relay's NGINX leads to the first upstream. */
const upstreamPort = 8100;

/** Starts it anew on a machine, and returns when it has every mount. */
export async function startBareIcecast(station: Station, machine: string): Promise<void> {
    await stopBareIcecast(station, machine);
    await station.at(
        machine,
        ["tee", configuration],
        configurationFor(station.formats.map(({ mount }) => mount)),
    );
    await station.at(machine, [
        ...["systemd-run", "--quiet", "--collect", `--unit=${unit}`, "--property=User=icecast2"],
        ...["--property=LimitNOFILE=65536", "icecast2", "-c", configuration],
    ]);
    const urls = station.formats.map(({ mount }) => `http://127.0.0.1:${barePort}${mount}`);
    // A stream that plays ends by curl's time limit, which is 28.
    const look =
        'for url; do until curl -sf -m 1 -o /dev/null "$url" || test $? = 28; do sleep 0.2; done; done';
    await station.at(machine, ["timeout", "20", "sh", "-c", look, "sh", ...urls]);
}

export async function stopBareIcecast(station: Station, machine: string): Promise<void> {
    await station.at(machine, ["sh", "-c", `systemctl stop ${unit} 2>/dev/null; rm -f ${configuration}`]);
}

function configurationFor(mounts: readonly string[]): string {
    const relays = mounts.map((mount) =>
        [
            ...["<relay>", "<server>127.0.0.1</server>", `<port>${upstreamPort}</port>`],
            ...[`<mount>${mount}</mount>`, `<local-mount>${mount}</local-mount>`, "<on-demand>0</on-demand>"],
            "</relay>",
        ].join(""),
    );
    return [
        "<icecast>",
        "<hostname>localhost</hostname>",
        "<limits><clients>10000</clients><sources>10</sources></limits>",
        // It refuses to start without passwords; nothing but this machine reaches it.
        "<authentication><source-password>bench</source-password><admin-user>admin</admin-user>",
        "<admin-password>bench</admin-password></authentication>",
        `<listen-socket><bind-address>127.0.0.1</bind-address><port>${barePort}</port></listen-socket>`,
        ...relays,
        "<paths><logdir>/dev</logdir><webroot>/usr/share/icecast2/web</webroot>",
        "<adminroot>/usr/share/icecast2/admin</adminroot></paths>",
        "<logging><accesslog>null</accesslog><errorlog>-</errorlog><loglevel>2</loglevel></logging>",
        "</icecast>",
        "",
    ].join("\n");
}
