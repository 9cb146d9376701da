import { certificatePort } from "../../model/publicCertificate";
import { machineTools, toolPackages } from "../machine/base";
import { command, each, jsonFile, program, textFile, unit } from "../machine/files";
import type { MachineFile, MachineRole } from "../machine/role";
import {
    linkPasswordName,
    refusePlaceholders,
    secretFiles,
    type SecretFile,
    type SecretNames,
} from "../machine/secrets";
import { readTemplate, renderTemplate } from "../machine/template";
import { relayChains, type Chain } from "./chain";
import { checkRelayPlan } from "./check";
import { bracketed, icecastPorts, nginxFiles } from "./nginx";
import type { RelayPlan } from "./plan";

/** Connections of Icecast beside listeners: the health check, and listeners whose end it has not seen yet. */
const spareClients = 128;

/**
 * Renders what a Relay's machine gets: Icecast, NGINX, the standby audio, their units and scripts.
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
            ...secretFiles(filesWithSecrets(plan, chains), relaySecrets(plan)),
            ...nginxFiles(plan, chains),
            ...standbyFiles(plan, chains),
            ...certificateFiles(plan),
            ...each("relay", units, unit),
            ...each("relay", programs, program),
            command("relay/nginx/aerial-drain.sh"),
        ],
    };
}

const units = [
    "icecast/aerial-icecast.service",
    "nginx/aerial-nginx.service",
    "nginx/aerial-access-log.service",
    "nginx/aerial-access-log.timer",
    "standby/aerial-standby-audio.service",
    "standby/aerial-standby-source.service",
    "certificate/aerial-certificate.service",
    "certificate/aerial-certificate.timer",
];

const programs = [
    "icecast/listen-backlog.py",
    "nginx/resolver.sh",
    "nginx/access-log.sh",
    "standby/standby-audio.sh",
    "standby/standby-source.py",
    "check/check.sh",
    "check/status.sh",
];

/** The secrets that a Relay's files ask for. */
export function relaySecrets({ offersLinks }: Pick<RelayPlan, "offersLinks">): SecretNames {
    return {
        values: [linkPasswordName],
        files: ["ca.pem", ...(offersLinks ? ["tls.pem", "tls.key"] : [])],
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

/** What `aerial-certificate` needs: the Masters to ask, and the names that a usable certificate must have. */
function certificateFiles({ names, region, masters }: RelayPlan): MachineFile[] {
    const regional = region === undefined ? Object.values(names.regions) : [names.regions[region] ?? ""];
    const sources = masters.map(({ host, tlsName }) => `${tlsName} ${bracketed(host)} ${certificatePort}\n`);
    return [
        command("relay/certificate/aerial-certificate.sh"),
        textFile(
            "/etc/aerial/certificate/names",
            [names.stream, ...regional].map((name) => `${name}\n`).join(""),
        ),
        textFile("/etc/aerial/certificate/masters", sources.join("")),
    ];
}

/** The standby audio: one loop for each codec and bitrate, shared by the mounts that use it. */
function standbyFiles(plan: RelayPlan, chains: Chain[]): MachineFile[] {
    const formats = plan.channels.flatMap((channel) => channel.formats);
    const loops = new Set(formats.map(({ codec, bitrateKbps }) => `${codec} ${bitrateKbps}\n`));
    const mounts = chains.map((chain, index) => {
        const format = formats[index];
        const standby = chain.levels.at(-1);
        if (!format || !standby) {
            throw new Error(`${chain.mount} has no format, or no level`);
        }
        return {
            mount: standby.mount,
            loop: `${format.codec}-${format.bitrateKbps}`,
            contentType: chain.contentType,
            // It becomes a header of the source's request.
            name: chain.title.replace(/\p{Cc}/gu, " "),
        };
    });
    return [
        textFile("/etc/aerial/standby/announcement.txt", announcement(plan.stationName)),
        textFile("/etc/aerial/standby/formats", [...loops].join("")),
        jsonFile("/etc/aerial/standby/source.json", { port: icecastPorts[0], mounts }),
    ];
}

/** What the Relay says when it hears from no Master. */
function announcement(stationName: string): string {
    return `${stationName}. We will be back in a moment. Please stay with us.\n`;
}
