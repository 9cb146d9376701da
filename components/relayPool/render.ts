import { certificatePort } from "../../model/publicCertificate";
import {
    machineTools,
    refusePlaceholders,
    secretFiles,
    toolPackages,
    type SecretFile,
} from "../machine/delivery";
import type { MachineFile, MachineRole } from "../machine/role";
import { readTemplate, renderTemplate } from "../machine/template";
import { relayChains, type Chain } from "./chain";
import { checkRelayPlan } from "./check";
import { bracketed, icecastPorts, nginxFiles } from "./nginx";
import type { RelayPlan } from "./plan";

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
        packages: [...toolPackages, "icecast2", "nginx", "libnginx-mod-http-js", "curl", "openssl"],
        maskedUnits: ["icecast2.service", "nginx.service"],
        units: [
            "aerial.target",
            "aerial-icecast.service",
            "aerial-nginx.service",
            "aerial-standby-audio.service",
            "aerial-standby-source.service",
            "aerial-certificate.timer",
            "aerial-access-log.timer",
        ],
        files: [
            ...machineTools(),
            ...secretFiles(filesWithSecrets(plan, chains)),
            ...nginxFiles(plan, chains),
            ...standbyFiles(plan, chains),
            ...certificateFiles(plan),
            ...[
                "aerial-icecast.service",
                "aerial-nginx.service",
                "aerial-standby-audio.service",
                "aerial-standby-source.service",
                "aerial-certificate.service",
                "aerial-certificate.timer",
                "aerial-access-log.service",
                "aerial-access-log.timer",
            ].map(unit),
            script("listen-backlog", "icecast/listen-backlog"),
            ...["check", "status", "resolver", "access-log"].map((name) => script(name)),
            command("aerial-drain"),
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
        ...(plan.offersLinks
            ? [
                  nginxSecret("/etc/aerial/nginx/tls.pem", "raw", "@{file.tls.pem}"),
                  nginxSecret("/etc/aerial/nginx/tls.key", "raw", "@{file.tls.key}"),
              ]
            : []),
        {
            target: "/etc/aerial/certificate/authorization",
            format: "raw",
            content: "Authorization: @{relay.link|basic relay}\n",
            owner: "root:root",
            mode: "0600",
            reload: [],
        },
        {
            target: "/etc/aerial/standby/password",
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

/** What `aerial-certificate` goes by: whom to ask, and which names a certificate must have to be of use here. */
function certificateFiles({ names, region, masters }: RelayPlan): MachineFile[] {
    const own = region === undefined ? Object.values(names.regions) : [names.regions[region] ?? ""];
    const sources = masters.map(({ host, tlsName }) => `${tlsName} ${bracketed(host)} ${certificatePort}\n`);
    return [
        command("aerial-certificate"),
        file("/etc/aerial/certificate/names", [names.stream, ...own].map((name) => `${name}\n`).join("")),
        file("/etc/aerial/certificate/masters", sources.join("")),
    ];
}

/** The source of last resort: one loop for each codec and bitrate, shared by the mounts that use it. */
function standbyFiles(plan: RelayPlan, chains: Chain[]): MachineFile[] {
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
        file("/etc/aerial/standby/announcement.txt", announcement(plan.stationName)),
        file("/etc/aerial/standby/formats", [...loops].join("")),
        file("/etc/aerial/standby/source.json", json({ port: icecastPorts[0], mounts })),
        script("standby-audio", "standby/standby-audio"),
        script("standby-source", "standby/standby-source"),
    ];
}

/** What the Relay says when it hears from no Master. */
function announcement(stationName: string): string {
    return `${stationName}. We will be back in a moment. Please stay with us.\n`;
}

function unit(name: string): MachineFile {
    return file(`/etc/systemd/system/${name}`, readTemplate(`relay/units/${name}`));
}

function script(name: string, template = name): MachineFile {
    return file(`/usr/local/lib/aerial/${name}`, readTemplate(`relay/${template}`), "0755");
}

/** A program that an engineer runs too. */
function command(name: string): MachineFile {
    return file(`/usr/local/sbin/${name}`, readTemplate(`relay/${name}`), "0755");
}

function file(path: string, content: string, mode = "0644"): MachineFile {
    return { path, content, mode };
}

function json(value: unknown): string {
    return `${JSON.stringify(value, null, 2)}\n`;
}
