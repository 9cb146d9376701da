import type { ChannelPlan } from "../../model/channels";
import { linkPort, linkUser } from "../../model/links";
import { certificatePort } from "../../model/publicCertificate";
import { baseRole } from "../machine/base";
import {
    command,
    each,
    jsonFile,
    program,
    scriptValues,
    staticFile,
    templateFile,
    textFile,
    unit,
} from "../machine/files";
import { icecastInstallation, icecastService, titleIntervalElement } from "../machine/icecast";
import { mergeRoles, type MachineFile, type MachineRole, type Service } from "../machine/role";
import {
    linkLoginName,
    linkPasswordName,
    refuseOtherSecrets,
    refusePlaceholders,
    type SecretFile,
    type SecretNames,
} from "../machine/secrets";
import { readTemplate, renderTemplate } from "../machine/template";
import { certificateFiles, certificateTimer } from "./certificate";
import { emergencyShowsRole, showsReader } from "./emergencyShows";
import {
    directMounts,
    icecastLimits,
    linkUrl,
    peerAddress,
    publicMounts,
    sourceTimeoutSeconds,
    refuseUnusableNames,
} from "./mounts";
import type { MasterPlan } from "./plan";
import { recordingKeys, recordingsRole } from "./recordings";

/** First of the local ports at which NGINX offers another Master's mounts, one port a Master. */
const firstPeerPort = 8101;

const announcementPath = (channel: string) => `/var/lib/aerial/announcement/${channel}.wav`;
const emergencyFolder = (channel: string) => `/var/lib/aerial/emergency/${channel}`;
const secretsScript = "/etc/aerial/radio-secrets.liq";
const controlSocket = (channel: string) => `/run/aerial-radio/${channel}/control.sock`;

/**
 * Renders what a Master's machine gets: Icecast, Liquidsoap, the TLS side, their units and scripts.
 *
 * @throws when a name cannot be part of a mount, two mounts have one name, or a value cannot be written in the format of its file.
 */
export function renderMaster(plan: MasterPlan): MachineRole {
    refusePlaceholders(plan);
    refuseUnusableNames(plan);
    const emergency = emergencyShowsRole(
        plan.emergency,
        plan.channels.map((channel) => channel.id),
    );
    const recordings = recordingsRole(plan);
    const icecast = icecastInstallation(plan.icecast);
    const files = [
        ...icecast.files,
        ...filesWithSecrets(plan),
        ...each("master", units, unit),
        ...programs(plan),
        ...health(plan),
        ...certificateFiles(plan),
        ...emergency.files,
        ...recordings.files,
        ...plan.channels.flatMap(channelFiles(plan)),
    ];
    refuseOtherSecrets(files, masterSecrets(plan));
    return mergeRoles(baseRole(), {
        packages: [
            ...icecast.packages,
            "lego",
            "libnginx-mod-http-js",
            "libnginx-mod-stream",
            "liquidsoap",
            "nginx",
            "openssl",
            ...emergency.packages,
            ...recordings.packages,
        ],
        maskedUnits: ["icecast2.service", "liquidsoap.service", "nginx.service"],
        units: [
            "aerial-icecast.service",
            "aerial-nginx.service",
            certificateTimer,
            ...plan.channels.flatMap(({ id }) => [
                `aerial-announcement@${id}.service`,
                `aerial-radio@${id}.service`,
            ]),
            ...emergency.units,
            ...recordings.units,
        ],
        services: [
            icecastService("aerial-icecast.service", "/etc/aerial/icecast.xml"),
            nginxService,
            ...plan.channels.flatMap(({ id }) => channelServices(id)),
            ...recordings.services,
        ],
        files,
    });
}

const nginxService: Service = {
    unit: "aerial-nginx.service",
    reads: ["/etc/aerial/nginx.conf", "/etc/aerial/tls/", "/etc/aerial/js/"],
    onChange: "reload",
    check: ["/usr/sbin/nginx", "-q", "-t", "-c", "/etc/aerial/nginx.conf"],
    packages: ["nginx", "libnginx-mod-http-js", "libnginx-mod-stream"],
};

/** Sources stay connected to Icecast while a channel's Liquidsoap starts again; Relays play the other Master meanwhile. */
function channelServices(channel: string): Service[] {
    const script = `/etc/aerial/radio/${channel}.liq`;
    const words = `/etc/aerial/announcement/${channel}.txt`;
    return [
        {
            unit: `aerial-announcement@${channel}.service`,
            reads: [words, script, secretsScript],
            onChange: "restart",
        },
        {
            unit: `aerial-radio@${channel}.service`,
            reads: [script, secretsScript, words],
            onChange: "restart",
            check: ["runuser", "--user", "liquidsoap", "--", "liquidsoap", "--check", script],
            packages: ["liquidsoap"],
        },
    ];
}

/** The secrets that a Master's files ask for. */
export function masterSecrets(
    plan: Pick<MasterPlan, "channels" | "sources" | "linkGenerations" | "emergency" | "recordings">,
): SecretNames {
    return {
        values: [
            linkLoginName,
            ...plan.linkGenerations.map(linkPasswordName),
            ...directMounts(plan).map(({ secret }) => secret),
            ...(plan.emergency ? Object.values(showsReader) : []),
            ...(plan.recordings ? Object.values(recordingKeys).flatMap((key) => Object.values(key)) : []),
        ],
        files: ["ca.pem", "tls.pem", "tls.key"],
    };
}

function filesWithSecrets(plan: MasterPlan): SecretFile[] {
    const file = (name: string, group: string) => ({
        path: `/etc/aerial/${name}`,
        owner: `root:${group}`,
        mode: "0640",
    });
    const pem = (name: string) => ({
        ...file(`tls/${name}`, "www-data"),
        secretFormat: "raw" as const,
        content: `@{file.${name}}`,
    });
    return [
        {
            ...file("icecast.xml", "icecast"),
            secretFormat: "xml",
            content: icecastXml(plan),
        },
        {
            ...file("icecast-listeners", "icecast"),
            secretFormat: "htpasswd",
            content: [...passwordLines(plan), "radio:@{local.listener}\n"].join(""),
        },
        {
            ...file("radio-secrets.liq", "liquidsoap"),
            secretFormat: "liquidsoap",
            content: readTemplate("master/radio/radio-secrets.liq"),
        },
        { ...file("nginx.conf", "www-data"), secretFormat: "nginx", content: nginxConf(plan) },
        {
            ...file("certificate-users", "www-data"),
            secretFormat: "raw",
            content: passwordLines(plan, "{SHA}", "|sha1").join(""),
        },
        // For `aerial-certificate`, which asks the other Masters.
        { ...file("link-login", "root"), mode: "0600", secretFormat: "raw", content: `@{${linkLoginName}}` },
        ...["tls.pem", "tls.key", "ca.pem"].map(pem),
    ];
}

/** Lines of a password file, for each link password that is accepted: `relay-2:@{relay.link.2}`. */
function passwordLines({ linkGenerations }: MasterPlan, scheme = "", form = ""): string[] {
    return linkGenerations.map(
        (generation) => `${linkUser(generation)}:${scheme}@{${linkPasswordName(generation)}${form}}\n`,
    );
}

function icecastXml(plan: MasterPlan): string {
    return renderTemplate("xml", "master/icecast/icecast.xml.eta", {
        stationName: plan.stationName,
        ingestPort: plan.ingestPort,
        maxLinks: plan.maxLinks,
        sourceMounts: directMounts(plan),
        publicMounts: publicMounts(plan),
        sourceTimeoutSeconds: sourceTimeoutSeconds(plan),
        titleInterval: titleIntervalElement(plan.icecast),
        ...icecastLimits(plan),
    });
}

function nginxConf(plan: MasterPlan): string {
    return renderTemplate("nginx", "master/nginx/nginx.conf.eta", {
        linkPort,
        ingestPort: plan.ingestPort,
        certificatePort,
        sourceTimeoutSeconds: sourceTimeoutSeconds(plan),
        // A caller pulls at most every mount there is, and may be reconnecting while old connections die.
        connectionsPerCaller: 2 * (directMounts(plan).length + publicMounts(plan).length),
        peers: plan.peers.map((peer, index) => ({
            localPort: firstPeerPort + index,
            tlsName: peer.tlsName,
            url: linkUrl(peer),
            address: peerAddress(peer),
        })),
    });
}

const units = [
    "icecast/aerial-icecast.service",
    "nginx/aerial-nginx.service",
    "radio/aerial-radio@.service",
    "radio/aerial-announcement@.service",
];

function programs(plan: MasterPlan): MachineFile[] {
    const known = {
        id: plan.id,
        icecastPort: plan.ingestPort,
        linkPort,
        certificatePort,
        ingestTlsPort: 443,
        channels: Object.fromEntries(
            plan.channels.map((channel) => [
                channel.id,
                {
                    controlSocket: controlSocket(channel.id),
                    mounts: channel.formats.map((format) => format.mount),
                },
            ]),
        ),
    };
    return [
        ...each("master", ["radio/playable.sh", "check/status.py", "check/check.sh"], program),
        command("master/radio/aerial-silence.py"),
        jsonFile("/etc/aerial/master.json", known),
        // The web root that Icecast is given.
        textFile("/usr/local/lib/aerial/empty/.keep", ""),
    ];
}

/** What NGINX measures, and by which rules. */
function health(plan: MasterPlan): MachineFile[] {
    return [
        staticFile("/etc/aerial/js/health.js", "machine/health/health.js"),
        staticFile("/etc/aerial/js/healthz.js", "master/nginx/healthz.js"),
        scriptValues("/etc/aerial/js/master.js", {
            statistics: `http://127.0.0.1:${plan.ingestPort}/admin/stats`,
            mounts: publicMounts(plan).map((mount) => mount.path),
        }),
    ];
}

function channelFiles(plan: MasterPlan): (channel: ChannelPlan) => MachineFile[] {
    return (channel) => [
        templateFile(`/etc/aerial/radio/${channel.id}.liq`, "liquidsoap", "master/radio/radio.liq.eta", {
            channel,
            stationName: plan.stationName,
            silence: plan.silence,
            bufferSeconds: plan.bufferSeconds,
            sourceTimeoutSeconds: sourceTimeoutSeconds(plan),
            ingestPort: plan.ingestPort,
            sources: directMounts(plan).filter((mount) => mount.channel === channel.id),
            peerPorts: plan.peers.map((_peer, index) => firstPeerPort + index),
            announcement: announcementPath(channel.id),
            emergencyFolder: emergencyFolder(channel.id),
            keepsShows: plan.emergency !== undefined,
            controlSocket: controlSocket(channel.id),
        }),
        textFile(
            `/etc/aerial/announcement/${channel.id}.txt`,
            `You are listening to ${plan.stationName}, ${channel.title}.\n` +
                "We will be back with our programme in a moment. Please stay with us.\n",
        ),
    ];
}
