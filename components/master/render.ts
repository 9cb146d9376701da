import type { ChannelPlan } from "../../model/channels";
import { linkPort } from "../../model/links";
import { certificatePort } from "../../model/publicCertificate";
import { machineTools, refusePlaceholders, secretFiles, toolPackages } from "../machine/delivery";
import type { MachineFile, MachineRole } from "../machine/role";
import { readTemplate, renderTemplate } from "../machine/template";
import { certificatePlan } from "./certificate";
import { emergencyShowsRole, type EmergencyShowsRole } from "./emergencyShows";
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
            ...secrets(plan, emergency),
            ...units(),
            ...programs(plan),
            ...health(plan),
            ...certificateFiles(plan),
            ...emergency.files,
            ...plan.channels.flatMap(channelFiles(plan)),
        ],
    };
}

function secrets(plan: MasterPlan, emergency: EmergencyShowsRole): MachineFile[] {
    const file = (name: string, group: string) => ({
        target: `/etc/aerial/${name}`,
        owner: `root:${group}`,
        mode: "0640",
    });
    const nginx = ["aerial-nginx.service"];
    return secretFiles([
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
            content: readTemplate("master/icecast-listeners"),
            reload: [],
        },
        // Made on the machine once and never changed, so nothing is ever to be reloaded for it.
        {
            ...file("radio-secrets.liq", "liquidsoap"),
            format: "liquidsoap",
            content: readTemplate("master/radio-secrets.liq"),
            reload: [],
        },
        { ...file("nginx.conf", "www-data"), format: "nginx", content: nginxConf(plan), reload: nginx },
        // NGINX reads it at every request.
        {
            ...file("certificate-users", "www-data"),
            format: "raw",
            content: readTemplate("master/bundle-users"),
            reload: [],
        },
        { ...file("tls/tls.pem", "www-data"), format: "raw", content: "@{file.tls.pem}", reload: nginx },
        { ...file("tls/tls.key", "www-data"), format: "raw", content: "@{file.tls.key}", reload: nginx },
        { ...file("tls/ca.pem", "www-data"), format: "raw", content: "@{file.ca.pem}", reload: nginx },
        ...emergency.secretFiles,
    ]);
}

function icecastXml(plan: MasterPlan): string {
    return renderTemplate("xml", "master/icecast.xml.eta", {
        stationName: plan.stationName,
        ingestPort: plan.ingestPort,
        maxLinks: plan.maxLinks,
        sourceMounts: directMounts(plan),
        publicMounts: publicMounts(plan),
        ...icecastLimits(plan),
    });
}

function nginxConf(plan: MasterPlan): string {
    return renderTemplate("nginx", "master/nginx.conf.eta", {
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

function units(): MachineFile[] {
    const names = [
        "aerial-icecast.service",
        "aerial-nginx.service",
        "aerial-radio@.service",
        "aerial-announcement@.service",
        "aerial-certificate.service",
        "aerial-certificate.timer",
    ];
    return names.map((name) => ({
        path: `/etc/systemd/system/${name}`,
        content: readTemplate(`master/${name}`),
        mode: "0644",
    }));
}

function programs(plan: MasterPlan): MachineFile[] {
    const program = (name: string): MachineFile => ({
        path: `/usr/local/lib/aerial/${name}`,
        content: readTemplate(`master/${name}`),
        mode: "0755",
    });
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
        program("playable"),
        program("status"),
        program("check"),
        {
            path: "/usr/local/sbin/aerial-silence",
            content: readTemplate("master/aerial-silence"),
            mode: "0755",
        },
        { path: "/etc/aerial/master.json", content: `${JSON.stringify(known, null, 4)}\n`, mode: "0644" },
        // The web root that Icecast is given.
        { path: "/usr/local/lib/aerial/empty/.keep", content: "", mode: "0644" },
    ];
}

/** What NGINX measures, and by which rules. */
function health(plan: MasterPlan): MachineFile[] {
    const measured = {
        statistics: `http://127.0.0.1:${plan.ingestPort}/admin/stats`,
        mounts: publicMounts(plan).map((mount) => mount.path),
    };
    const module = (name: string, content: string): MachineFile => ({
        path: `/etc/aerial/js/${name}`,
        content,
        mode: "0644",
    });
    return [
        module("health.js", readTemplate("machine/health.js")),
        module("healthz.js", readTemplate("master/healthz.js")),
        // A module, because the arrays of an object that njs preloads are not arrays.
        module("master.js", `export default ${JSON.stringify(measured, null, 4)};\n`),
    ];
}

function certificateFiles(plan: MasterPlan): MachineFile[] {
    const module = (name: string, template: string): MachineFile => ({
        path: `/usr/local/lib/aerial/${name}`,
        content: readTemplate(template),
        mode: "0644",
    });
    return [
        {
            path: "/usr/local/sbin/aerial-certificate",
            content: readTemplate("master/aerial-certificate"),
            mode: "0755",
        },
        module("authority.py", "master/authority.py"),
        module("certificate_rules.py", "master/certificate_rules.py"),
        module("bundles.py", "machine/bundles.py"),
        {
            path: "/etc/aerial/certificate.json",
            content: `${JSON.stringify(certificatePlan(plan), null, 4)}\n`,
            mode: "0644",
        },
    ];
}

function channelFiles(plan: MasterPlan): (channel: ChannelPlan) => MachineFile[] {
    return (channel) => [
        {
            path: `/etc/aerial/radio/${channel.id}.liq`,
            content: renderTemplate("liquidsoap", "master/radio.liq.eta", {
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
            mode: "0644",
        },
        {
            path: `/etc/aerial/announcement/${channel.id}.txt`,
            content:
                `You are listening to ${plan.stationName}, ${channel.title}.\n` +
                "We will be back with our programme in a moment. Please stay with us.\n",
            mode: "0644",
        },
    ];
}
