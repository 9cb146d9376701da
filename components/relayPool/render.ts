import {
    machineTools,
    refusePlaceholders,
    secretFiles,
    toolPackages,
    type SecretFile,
} from "../machine/delivery";
import type { MachineFile, MachineRole } from "../machine/role";
import type { ChannelPlan, StationNames, Upstream } from "../plan";
import { readTemplate, renderTemplate } from "../template";
import { linkPort, relayChains, type Chain } from "./chain";
import { checkRelayPlan } from "./check";

/** All that a Relay's machine is told by its user data. */
export interface RelayPlan {
    /** Name listeners' responses carry, for example `relay-ams3`. */
    pool: string;
    stationName: string;
    channels: ChannelPlan[];
    /** Where to pull from, first preferred: both Masters, or the Relays of the tier above. */
    upstreams: Upstream[];
    /** Listeners at which the Relay is full, over all mounts. */
    listenerLimit: number;
    names: StationNames;
    /** Where the public certificate comes from, preferred first. */
    masters: Upstream[];
    /**
     * TLS port that Relays of the tier below pull from. Its certificate is delivered as the files `tls.pem` and
     * `tls.key`. Absent where there is no tier below.
     */
    linkPort?: number;
}

/** Icecast's sockets, on the loopback address. Their number is why 3,000 listeners can come back in 3 s. */
const icecastPorts = Array.from({ length: 16 }, (_, index) => 8000 + index);

/** Connections of Icecast beside listeners: the health check, and listeners whose end it has not seen yet. */
const spareClients = 128;

/**
 * Renders what a Relay's machine gets: Icecast, NGINX, the source of last resort, their units and scripts.
 *
 * @throws when the plan cannot work, for example without an upstream, or with two channels on one mount.
 */
export function renderRelay(plan: RelayPlan): MachineRole {
    checkRelayPlan(plan);
    refusePlaceholders(plan);
    const chains = relayChains(plan.channels, plan.upstreams);
    return {
        packages: [...toolPackages, "icecast2", "nginx", "libnginx-mod-http-js", "curl"],
        maskedUnits: ["icecast2.service", "nginx.service"],
        units: [
            "aerial.target",
            "aerial-icecast.service",
            "aerial-nginx.service",
            "aerial-own-audio.service",
            "aerial-own-source.service",
        ],
        files: [
            ...machineTools(),
            ...secretFiles(filesWithSecrets(plan, chains)),
            ...nginxFiles(plan, chains),
            ...ownSourceFiles(plan, chains),
            unit("aerial-icecast.service"),
            unit("aerial-nginx.service"),
            unit("aerial-own-audio.service"),
            unit("aerial-own-source.service"),
            script("check"),
            script("status"),
            script("resolver"),
        ],
    };
}

/** The files that `aerial-secrets` completes on the machine. */
function filesWithSecrets(plan: RelayPlan, chains: Chain[]): SecretFile[] {
    const levels = chains.flatMap((chain) => chain.levels).length;
    return [
        {
            target: "/etc/aerial/icecast.xml",
            format: "xml",
            content: renderTemplate("xml", "relay/icecast/icecast.xml.eta", {
                stationName: plan.stationName,
                pool: plan.pool,
                listenerLimit: plan.listenerLimit,
                // A level that reconnects may have its old connection still open.
                clientLimit: plan.listenerLimit + spareClients + 2 * levels,
                sourceLimit: 2 * levels,
                ports: icecastPorts,
                chains,
            }),
            owner: "root:icecast",
            mode: "0640",
            reload: ["aerial-icecast.service"],
        },
        nginxSecret("/etc/aerial/nginx/secrets.conf", "nginx", readTemplate("relay/nginx/secrets.conf")),
        nginxSecret("/etc/aerial/nginx/ca.pem", "raw", "@{file.ca.pem}"),
        ...(plan.linkPort
            ? [
                  nginxSecret("/etc/aerial/nginx/tls.pem", "raw", "@{file.tls.pem}"),
                  nginxSecret("/etc/aerial/nginx/tls.key", "raw", "@{file.tls.key}"),
              ]
            : []),
        {
            target: "/etc/aerial/own/password",
            format: "raw",
            content: "@{local.source}",
            owner: "root:root",
            mode: "0600",
            reload: [],
        },
    ];
}

/** A file that NGINX's master process reads, as root. */
function nginxSecret(target: string, format: SecretFile["format"], content: string): SecretFile {
    return { target, format, content, owner: "root:root", mode: "0600", reload: ["aerial-nginx.service"] };
}

function nginxFiles(plan: RelayPlan, chains: Chain[]): MachineFile[] {
    const edge = { chains, ports: icecastPorts, linkPort: plan.linkPort ?? 0 };
    const links = plan.upstreams.map((upstream, index) => ({
        ...upstream,
        // A literal IPv6 address needs brackets in a URL.
        host: upstream.host.includes(":") ? `[${upstream.host}]` : upstream.host,
        localPort: linkPort(index),
    }));
    const health = {
        listenerLimit: plan.listenerLimit,
        chains: chains.map((chain) => ({
            mount: chain.mount,
            levels: chain.levels.map(({ name, mount }) => ({ name, mount })),
        })),
    };
    return [
        nginx("nginx.conf", { workerConnections: 2 * plan.listenerLimit + 1024 }),
        nginx("edge.conf", edge),
        nginx("listener.conf", { listenerLimit: plan.listenerLimit }),
        nginx("links.conf", { links }),
        file("/etc/aerial/nginx/internal.conf", readTemplate("relay/nginx/internal.conf")),
        // A module, because the arrays of an object that njs preloads are not arrays.
        file("/etc/aerial/nginx/js/relay.js", `export default ${json(health)}`),
        file("/etc/aerial/nginx/js/health.js", readTemplate("machine/health.js")),
        ...["healthz.js", "link.js"].map((name) =>
            file(`/etc/aerial/nginx/js/${name}`, readTemplate(`relay/nginx/${name}`)),
        ),
        file("/etc/logrotate.d/aerial-nginx", readTemplate("relay/nginx/aerial-nginx.logrotate")),
    ];
}

/** The source of last resort: one loop for each codec and bitrate, shared by the mounts that use it. */
function ownSourceFiles(plan: RelayPlan, chains: Chain[]): MachineFile[] {
    const formats = plan.channels.flatMap((channel) => channel.formats);
    const loops = new Set(formats.map(({ codec, bitrateKbps }) => `${codec} ${bitrateKbps}\n`));
    const mounts = chains.map((chain, index) => {
        const format = formats[index];
        const own = chain.levels.at(-1);
        if (!format || !own) {
            throw new Error(`${chain.mount} has no format, or no level`);
        }
        return {
            mount: own.mount,
            loop: `${format.codec}-${format.bitrateKbps}`,
            contentType: chain.contentType,
            // It becomes a header of the source's request.
            name: chain.title.replace(/\p{Cc}/gu, " "),
        };
    });
    return [
        file("/etc/aerial/own/announcement.txt", announcement(plan.stationName)),
        file("/etc/aerial/own/formats", [...loops].join("")),
        file("/etc/aerial/own/source.json", json({ port: icecastPorts[0], mounts })),
        script("own-audio", "own/own-audio"),
        script("own-source", "own/own-source"),
    ];
}

/** What the Relay says when it hears from no Master. */
function announcement(stationName: string): string {
    return `${stationName}. We will be back in a moment. Please stay with us.\n`;
}

function nginx(name: string, values: object): MachineFile {
    return file(`/etc/aerial/nginx/${name}`, renderTemplate("nginx", `relay/nginx/${name}.eta`, values));
}

function unit(name: string): MachineFile {
    return file(`/etc/systemd/system/${name}`, readTemplate(`relay/units/${name}`));
}

function script(name: string, template = name): MachineFile {
    return file(`/usr/local/lib/aerial/${name}`, readTemplate(`relay/${template}`), "0755");
}

function file(path: string, content: string, mode = "0644"): MachineFile {
    return { path, content, mode };
}

function json(value: unknown): string {
    return `${JSON.stringify(value, null, 2)}\n`;
}
