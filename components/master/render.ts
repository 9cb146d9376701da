import type { ChannelPlan } from "../../model/channels";
import { linkPort } from "../../model/links";
import { certificatePort } from "../../model/publicCertificate";
import { machineTools, toolPackages } from "../machine/base";
import {
    command,
    each,
    jsonFile,
    program,
    pythonModule,
    scriptValues,
    staticFile,
    templateFile,
    textFile,
    unit,
} from "../machine/files";
import type { MachineFile, MachineRole } from "../machine/role";
import { linkPasswordName, refusePlaceholders, secretFiles, type SecretNames } from "../machine/secrets";
import { readTemplate, renderTemplate } from "../machine/template";
import { certificatePlan } from "./certificate";
import { emergencyShowsRole, showsReader, type EmergencyShowsRole } from "./emergencyShows";
import {
    directMounts,
    icecastLimits,
    linkUrl,
    peerAddress,
    publicMounts,
    refuseUnusableNames,
} from "./mounts";
import type { MasterPlan } from "./plan";

/** First of the local ports at which NGINX offers another Master's mounts, one port a Master. */
const firstPeerPort = 8101;

const announcementPath = (channel: string) => `/var/lib/aerial/announcement/${channel}.wav`;
const emergencyFolder = (channel: string) => `/var/lib/aerial/emergency/${channel}`;
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
    return {
        packages: [
            "icecast2",
            "lego",
            "libnginx-mod-http-js",
            "libnginx-mod-stream",
            "liquidsoap",
            "nginx",
            "openssl",
            ...toolPackages,
            ...emergency.packages,
        ],
        maskedUnits: ["icecast2.service", "liquidsoap.service", "nginx.service"],
        units: [
            "aerial.target",
            "aerial-icecast.service",
            "aerial-nginx.service",
            "aerial-certificate.timer",
            ...plan.channels.flatMap(({ id }) => [
                `aerial-announcement@${id}.service`,
                `aerial-radio@${id}.service`,
            ]),
            ...emergency.units,
        ],
        files: [
            ...machineTools(),
            ...filesWithSecrets(plan, emergency),
            ...each("master", units, unit),
            ...programs(plan),
            ...health(plan),
            ...certificateFiles(plan),
            ...emergency.files,
            ...plan.channels.flatMap(channelFiles(plan)),
        ],
    };
}

/** The secrets that a Master's files ask for. */
export function masterSecrets(plan: Pick<MasterPlan, "channels" | "sources" | "emergency">): SecretNames {
    return {
        values: [
            linkPasswordName,
            ...directMounts(plan).map(({ secret }) => secret),
            ...(plan.emergency ? Object.values(showsReader) : []),
        ],
        files: ["ca.pem", "tls.pem", "tls.key"],
    };
}

function filesWithSecrets(plan: MasterPlan, emergency: EmergencyShowsRole): MachineFile[] {
    const file = (name: string, group: string) => ({
        target: `/etc/aerial/${name}`,
        owner: `root:${group}`,
        mode: "0640",
    });
    const nginx = ["aerial-nginx.service"];
    const pem = (name: string) => ({
        ...file(`tls/${name}`, "www-data"),
        format: "raw" as const,
        content: `@{file.${name}}`,
        reload: nginx,
    });
    return secretFiles(
        [
            {
                ...file("icecast.xml", "icecast"),
                format: "xml",
                content: icecastXml(plan),
                reload: ["aerial-icecast.service"],
            },
            // Icecast reads this file again by itself when it has changed.
            {
                ...file("icecast-listeners", "icecast"),
                format: "htpasswd",
                content: readTemplate("master/icecast/listeners.htpasswd"),
                reload: [],
            },
            // Made on the machine once and never changed, so nothing is ever to be reloaded for it.
            {
                ...file("radio-secrets.liq", "liquidsoap"),
                format: "liquidsoap",
                content: readTemplate("master/radio/radio-secrets.liq"),
                reload: [],
            },
            { ...file("nginx.conf", "www-data"), format: "nginx", content: nginxConf(plan), reload: nginx },
            // NGINX reads it at every request.
            {
                ...file("certificate-users", "www-data"),
                format: "raw",
                content: readTemplate("master/nginx/certificate-users.htpasswd"),
                reload: [],
            },
            ...["tls.pem", "tls.key", "ca.pem"].map(pem),
            ...emergency.secretFiles,
        ],
        masterSecrets(plan),
    );
}

function icecastXml(plan: MasterPlan): string {
    return renderTemplate("xml", "master/icecast/icecast.xml.eta", {
        stationName: plan.stationName,
        ingestPort: plan.ingestPort,
        maxLinks: plan.maxLinks,
        sourceMounts: directMounts(plan),
        publicMounts: publicMounts(plan),
        ...icecastLimits(plan),
    });
}

function nginxConf(plan: MasterPlan): string {
    return renderTemplate("nginx", "master/nginx/nginx.conf.eta", {
        linkPort,
        ingestPort: plan.ingestPort,
        certificatePort,
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
    "certificate/aerial-certificate.service",
    "certificate/aerial-certificate.timer",
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

function certificateFiles(plan: MasterPlan): MachineFile[] {
    return [
        command("master/certificate/aerial-certificate.py"),
        ...each("master/certificate", ["authority.py", "certificate_rules.py"], pythonModule),
        pythonModule("machine/python/certificates.py"),
        jsonFile("/etc/aerial/certificate.json", certificatePlan(plan)),
    ];
}

function channelFiles(plan: MasterPlan): (channel: ChannelPlan) => MachineFile[] {
    return (channel) => [
        templateFile(`/etc/aerial/radio/${channel.id}.liq`, "liquidsoap", "master/radio/radio.liq.eta", {
            channel,
            stationName: plan.stationName,
            silence: plan.silence,
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
