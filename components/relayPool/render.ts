import { certificatePort } from "../../model/publicCertificate";
import { baseRole } from "../machine/base";
import {
    command,
    each,
    jsonFile,
    program,
    programFolder,
    pythonModule,
    textFile,
    unit,
} from "../machine/files";
import { icecastInstallation, icecastService, titleIntervalElement } from "../machine/icecast";
import { mergeRoles, type MachineFile, type MachineRole, type Service } from "../machine/role";
import {
    linkLoginName,
    refuseOtherSecrets,
    refusePlaceholders,
    type SecretFile,
    type SecretNames,
} from "../machine/secrets";
import { readTemplate, renderTemplate } from "../machine/template";
import { checkRelayPlan } from "./check";
import { feedFiles } from "./feed";
import { relayMounts } from "./mounts";
import { bracketed, linkFiles, linksConfiguration, nginxConfiguration, nginxFiles } from "./nginx";
import type { RelayPlan } from "./plan";
import { firstSlot, slotLimitHours, slots, type Slot } from "./slots";

/** Connections of Icecast beside listeners: the health check, and listeners whose end it has not seen yet. */
const spareClients = 128;

/**
 * Renders what a Relay's machine gets: the feed, Icecast, NGINX, their units and scripts.
 *
 * @throws when the plan cannot work, for example without an upstream, or with two channels on one mount.
 */
export function renderRelay(plan: RelayPlan): MachineRole {
    checkRelayPlan(plan);
    refusePlaceholders(plan);
    const icecast = icecastInstallation(plan.icecast);
    const files = [
        ...icecast.files,
        ...filesWithSecrets(plan),
        ...nginxFiles(plan),
        ...linkFiles(plan),
        ...slotFiles(),
        ...feedFiles(plan),
        ...certificateFiles(plan),
        ...each("relay", units, unit),
        ...each("relay", programs, program),
        command("relay/nginx/aerial-drain.sh"),
    ];
    refuseOtherSecrets(files, relaySecrets(plan));
    return mergeRoles(baseRole(), {
        packages: [...icecast.packages, "nginx", "libnginx-mod-http-js", "curl", "openssl"],
        maskedUnits: ["icecast2.service", "nginx.service"],
        units: [
            "aerial-icecast@.service",
            "aerial-nginx@.service",
            "aerial-links.service",
            "aerial-standby-audio.service",
            "aerial-feed.service",
            "aerial-certificate.timer",
            "aerial-access-log.timer",
        ],
        services,
        files,
    });
}

const icecastConfigurations = "/etc/aerial/icecast/";

function icecastConfiguration(slot: string): string {
    return `${icecastConfigurations}${slot}.xml`;
}

function nginxCheck(configuration: string): string[] {
    return ["/usr/sbin/nginx", "-q", "-t", "-c", configuration];
}

/** A new mount is Icecast's first, then NGINX can ask for it, then the feed brings it. */
const services: Service[] = [
    {
        // What slots differ in is nothing but ports: the first one stands for all.
        ...icecastService("aerial-icecast@.service", icecastConfiguration(firstSlot)),
        reads: [icecastConfigurations],
        well: [`${programFolder}/slot-well`, "icecast"],
    },
    {
        unit: "aerial-nginx@.service",
        reads: ["/etc/aerial/nginx/"],
        onChange: "reload",
        check: nginxCheck(nginxConfiguration(firstSlot)),
        packages: ["nginx", "libnginx-mod-http-js"],
        well: [`${programFolder}/slot-well`, "nginx"],
    },
    {
        // The feed has some seconds of every upstream in hand.
        unit: "aerial-links.service",
        reads: ["/etc/aerial/links/", "/etc/aerial/nginx/ca.pem"],
        onChange: "reload",
        check: nginxCheck(linksConfiguration),
        packages: ["nginx"],
    },
    {
        unit: "aerial-standby-audio.service",
        reads: ["/etc/aerial/standby/", `${programFolder}/standby-audio`],
        onChange: "restart",
    },
    {
        unit: "aerial-feed.service",
        reads: [
            ...["/etc/aerial/feed/", `${programFolder}/feed/`, `${programFolder}/aerial-feed`],
            // It reads the audio that is made of these when it starts.
            "/etc/aerial/standby/",
        ],
        onChange: "restart",
    },
];

const units = [
    "nginx/aerial-nginx@.service",
    "nginx/aerial-access-log.service",
    "nginx/aerial-access-log.timer",
    "certificate/aerial-certificate.service",
    "certificate/aerial-certificate.timer",
    // Started by `aerial-drain end` only.
    "ending/aerial-ending.service",
];

const programs = [
    "icecast/listen-backlog.py",
    "nginx/resolver.sh",
    "nginx/access-log.sh",
    "check/check.sh",
    "check/status.sh",
    "ending/ending.py",
    "slots/slot-well.sh",
    "slots/drain-slot.py",
];

function slotFiles(): MachineFile[] {
    const ports = slots.map(({ name, icecastPorts }) => `${name} ${icecastPorts.join(" ")}`).join(", ");
    return [
        unit("relay/icecast/aerial-icecast@.service.eta", { ports }),
        unit("relay/slots/aerial-drain-slot@.service"),
        pythonModule("relay/slots/slot_listeners.py"),
        jsonFile("/etc/aerial/slots.json", {
            limitSeconds: slotLimitHours * 3600,
            slots: Object.fromEntries(
                slots.map(({ name, icecastPorts, nginxPort }) => [
                    name,
                    { icecast: icecastPorts[0], nginx: nginxPort },
                ]),
            ),
        }),
    ];
}

/** The secrets that a Relay's files ask for. */
export function relaySecrets({ offersLinks }: Pick<RelayPlan, "offersLinks">): SecretNames {
    return {
        values: [linkLoginName],
        files: ["ca.pem", ...(offersLinks ? ["tls.pem", "tls.key"] : [])],
    };
}

/** The files that are complete only with secrets. */
function filesWithSecrets(plan: RelayPlan): SecretFile[] {
    return [
        ...slots.map((slot) => icecastFile(plan, slot)),
        nginxSecret("/etc/aerial/nginx/secrets.conf", "nginx", readTemplate("relay/nginx/secrets.conf")),
        nginxSecret("/etc/aerial/nginx/ca.pem", "raw", "@{file.ca.pem}"),
        ...(plan.offersLinks
            ? [
                  nginxSecret("/etc/aerial/nginx/tls.pem", "raw", "@{file.tls.pem}"),
                  nginxSecret("/etc/aerial/nginx/tls.key", "raw", "@{file.tls.key}"),
              ]
            : []),
        nginxSecret(
            "/etc/aerial/links/authorization.conf",
            "nginx",
            "proxy_set_header Authorization @{relay.link|basic};\n",
        ),
        {
            path: "/etc/aerial/certificate/authorization",
            secretFormat: "raw",
            content: "Authorization: @{relay.link|basic}\n",
            owner: "root:root",
            mode: "0600",
        },
        {
            path: "/etc/aerial/feed/password",
            secretFormat: "raw",
            content: "@{local.source}",
            owner: "root:root",
            mode: "0600",
        },
    ];
}

/** The configuration of a slot's Icecast. */
function icecastFile(plan: RelayPlan, slot: Slot): SecretFile {
    const mounts = relayMounts(plan.channels);
    return {
        path: icecastConfiguration(slot.name),
        secretFormat: "xml",
        content: renderTemplate("xml", "relay/icecast/icecast.xml.eta", {
            stationName: plan.stationName,
            titleInterval: titleIntervalElement(plan.icecast),
            pool: plan.pool,
            listenerLimit: plan.listenerLimit,
            // A source that reconnects may have its old connection still open.
            clientLimit: plan.listenerLimit + spareClients + 2 * mounts.length,
            sourceLimit: 2 * mounts.length,
            ports: slot.icecastPorts,
            mounts,
        }),
        owner: "root:icecast",
        mode: "0640",
    };
}

/** A file that NGINX's master process reads, as root. */
function nginxSecret(path: string, secretFormat: SecretFile["secretFormat"], content: string): SecretFile {
    return { path, secretFormat, content, owner: "root:root", mode: "0600" };
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
