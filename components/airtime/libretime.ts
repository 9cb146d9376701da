import { stringify } from "yaml";

import type { SoftwareRole } from "./software";
import { sourceBitrateKbps, sourceMount } from "../../model/sources";
import type { BackupRolePlan } from "../airtimeBackup/render";
import { each, jsonFile, program, programFolder, unit } from "../machine/files";
import type { MachineFile } from "../machine/role";
import { sourcePasswordName, type SecretFile } from "../machine/secrets";
import { composeProject, libretimeCompose } from "./compose";
import { volumeFolder, type AirtimePlan } from "./plan";

const folder = "/etc/aerial/libretime";

/** Where the web interface is heard, on this machine alone: reached by `ssh -L 8080:127.0.0.1:8080 aerial@…`. */
const libretimePort = 8080;

/**
 * LibreTime 4.5 by its published images, with an output for each Master and no other. Nothing of it is public: people
 * come by an SSH tunnel. Its passwords are made on the machine and never leave it.
 */
export function renderLibretime(plan: AirtimePlan): SoftwareRole {
    return {
        packages: ["docker-cli", "docker-compose", "docker.io", "iproute2"],
        maskedUnits: [],
        units: ["aerial-libretime.service"],
        services: [
            {
                unit: "aerial-libretime.service",
                reads: [`${folder}/`, `${programFolder}/libretime`],
                onChange: "reload",
                packages: ["docker.io"],
            },
        ],
        files: [
            ...files(plan),
            yamlSecret(`${folder}/compose.yml`, libretimeCompose(volume(plan), libretimePort), "0600"),
            // Read inside containers, by their user.
            yamlSecret(`${folder}/config/config.yml`, libretimeConfig(plan), "0640", "root:aerial"),
            {
                path: `${folder}/database-password`,
                secretFormat: "raw",
                content: `${databasePassword}\n`,
                owner: "root:root",
                mode: "0600",
            },
        ],
        prepareWords: [],
    };
}

/** What of it is to be kept safe, and how PostgreSQL's programs are called there. */
export function libretimeBackup(plan: AirtimePlan): Pick<BackupRolePlan, "database" | "configuration"> {
    const exec = [
        "docker",
        "compose",
        "--project-name",
        composeProject,
        "--file",
        `${folder}/compose.yml`,
        "exec",
    ];
    return {
        database: { name: "libretime", command: [...exec, "-T", "--env", "PGUSER=libretime", "postgres"] },
        configuration: [folder, `${volume(plan)}/admin-password`],
    };
}

const volume = (plan: AirtimePlan) => `${volumeFolder(plan.volumeName)}/libretime`;

const databasePassword = "@{local.libretime-database}";

/** LibreTime's config.yml, by its documentation of 4.5. */
function libretimeConfig(plan: AirtimePlan): object {
    const [channel] = plan.channels;
    if (!channel) {
        throw new Error("LibreTime needs a channel to play");
    }
    return {
        general: {
            public_url: `http://127.0.0.1:${libretimePort}`,
            api_key: "@{local.libretime-api}",
            secret_key: "@{local.libretime-secret}",
            timezone: plan.timeZone,
            allowed_cors_origins: [],
        },
        storage: { path: "/srv/libretime" },
        database: {
            host: "postgres",
            port: 5432,
            name: "libretime",
            user: "libretime",
            password: databasePassword,
        },
        rabbitmq: {
            host: "rabbitmq",
            port: 5672,
            vhost: "/libretime",
            user: "libretime",
            password: "@{local.libretime-queue}",
        },
        playout: { liquidsoap_host: "liquidsoap", liquidsoap_port: 1234 },
        liquidsoap: {
            server_listen_address: "0.0.0.0",
            server_listen_port: 1234,
            harbor_listen_address: ["0.0.0.0"],
        },
        stream: {
            inputs: {
                main: { enabled: true, mount: "main", port: 8001, secure: false },
                show: { enabled: true, mount: "show", port: 8002, secure: false },
            },
            outputs: {
                // No administrator's password: LibreTime collects no statistics from the Masters.
                icecast: plan.masters.map(({ host, port }) => ({
                    enabled: true,
                    host,
                    port,
                    mount: sourceMount(channel.id, plan.sourceName).slice(1),
                    source_user: plan.sourceName,
                    source_password: `@{${sourcePasswordName(channel.id, plan.sourceName)}}`,
                    audio: { format: "mp3", bitrate: sourceBitrateKbps },
                    name: channel.title,
                    description: plan.stationName,
                })),
                shoutcast: [],
                system: [],
            },
        },
    };
}

/** A document in which a text that is a placeholder alone becomes the value, quoted for YAML. */
function yamlSecret(path: string, document: object, mode: string, owner = "root:root"): SecretFile {
    const text = stringify(document, {
        lineWidth: 0,
        defaultStringType: "QUOTE_DOUBLE",
        defaultKeyType: "PLAIN",
    });
    return {
        path,
        secretFormat: "yaml",
        content: text.replace(/"(@\{[^"{}]*\})"/g, "$1"),
        owner,
        mode,
    };
}

function files(plan: AirtimePlan): MachineFile[] {
    const known = { channel: plan.channels[0]?.id, masters: plan.masters, port: libretimePort };
    return [
        ...each("airtime/libretime", ["check.sh", "libretime.sh", "prepare.sh", "status.py"], program),
        jsonFile("/etc/aerial/airtime.json", known),
        unit("airtime/libretime/aerial-libretime.service.eta", {
            project: composeProject,
            volume: volume(plan),
        }),
    ];
}
