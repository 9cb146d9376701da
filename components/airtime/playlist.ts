import type { SoftwareRole } from "./software";
import type { ChannelPlan } from "../../model/channels";
import { sourceBitrateKbps, sourceMount } from "../../model/sources";
import type { BackupRolePlan } from "../airtimeBackup/render";
import {
    command,
    each,
    jsonFile,
    program,
    programFolder,
    pythonModule,
    staticFile,
    templateFile,
    unit,
} from "../machine/files";
import type { MachineFile, Service } from "../machine/role";
import { sourcePasswordName, type SecretFile } from "../machine/secrets";
import { volumeFolder, type AirtimePlan } from "./plan";

const modules = ["__init__", "catalogue", "database", "library", "rotation", "schedule", "settings"] as const;

const stateFolder = (plan: AirtimePlan) => `${volumeFolder(plan.volumeName)}/playout`;
const passwordFile = (channel: string) => `/etc/aerial/playout/${channel}.password`;

/**
 * A lean playout: Liquidsoap plays the folders of the volume by a weekly schedule in a readable file, and pushes to
 * every Master; PostgreSQL, on the volume too, keeps a catalogue and what was played.
 *
 * It pushes to Icecast's plain port, as a studio's encoder does by default. TLS would prove nothing: the public
 * certificate has the station's names and not a Master's address, it comes after the names and so after this machine,
 * and Liquidsoap compares no names.
 */
export function renderPlaylist(plan: AirtimePlan): SoftwareRole {
    return {
        packages: ["ffmpeg", "liquidsoap", "postgresql"],
        // PostgreSQL's own cluster is made when the package is installed, on the droplet's disk, and never started.
        maskedUnits: ["liquidsoap.service", "postgresql.service", "postgresql@17-main.service"],
        units: [
            "aerial-postgresql.service",
            "aerial-catalogue.service",
            ...plan.channels.map(({ id }) => `aerial-playout@${id}.service`),
        ],
        services: services(plan),
        files: [
            ...programs(),
            ...units(plan),
            ...settings(plan),
            ...plan.channels.map(script(plan)),
            ...plan.channels.map((channel) => password(plan, channel)),
        ],
        prepareWords: plan.channels.map(({ id }) => id),
    };
}

function services(plan: AirtimePlan): Service[] {
    return [
        // Its settings are the unit's own.
        { unit: "aerial-postgresql.service", reads: [], onChange: "restart", packages: ["postgresql-17"] },
        {
            unit: "aerial-catalogue.service",
            reads: [
                ...[`${programFolder}/catalogue`, `${programFolder}/airtime/`],
                ...[`${programFolder}/audio.py`, `${programFolder}/files.py`],
                "/etc/aerial/airtime.json",
            ],
            onChange: "restart",
        },
        ...plan.channels.map(({ id }): Service => {
            const path = `/etc/aerial/playout/${id}.liq`;
            return {
                unit: `aerial-playout@${id}.service`,
                reads: [path],
                onChange: "restart",
                check: ["runuser", "--user", "liquidsoap", "--", "liquidsoap", "--check", path],
                packages: ["liquidsoap"],
            };
        }),
    ];
}

/** What of it is to be kept safe, and how PostgreSQL's programs are called there. */
export function playlistBackup(plan: AirtimePlan): Pick<BackupRolePlan, "database" | "configuration"> {
    return {
        database: { name: "airtime", command: ["runuser", "-u", "postgres", "--"] },
        configuration: [`${volumeFolder(plan.volumeName)}/schedule.txt`, "/etc/aerial/airtime.json"],
    };
}

function programs(): MachineFile[] {
    const folder = "airtime/playlist";
    const called = ["catalogue.py", "check.sh", "database.sh", "playout.py", "prepare.sh", "status.py"];
    return [
        ...each(folder, called, program),
        pythonModule("machine/python/audio.py"),
        ...modules.map((name) => pythonModule(`${folder}/airtime/${name}.py`, "airtime")),
        staticFile(`${programFolder}/airtime/schema.sql`, `${folder}/airtime/schema.sql`),
        command(`${folder}/aerial-schedule.py`),
    ];
}

function units(plan: AirtimePlan): MachineFile[] {
    const values = { folder: `${volumeFolder(plan.volumeName)}/postgresql`, state: stateFolder(plan) };
    const names = ["aerial-postgresql.service", "aerial-catalogue.service", "aerial-playout@.service"];
    return names.map((name) => unit(`airtime/playlist/${name}.eta`, values));
}

function settings(plan: AirtimePlan): MachineFile[] {
    const channels = plan.channels.map(({ id }) => id);
    const known = {
        volume: volumeFolder(plan.volumeName),
        timeZone: plan.timeZone,
        channels,
        masters: plan.masters,
    };
    return [
        jsonFile("/etc/aerial/airtime.json", known),
        templateFile("/usr/local/share/aerial/schedule.txt", "unit", "airtime/playlist/schedule.txt.eta", {
            stationName: plan.stationName,
            timeZone: plan.timeZone,
            channels,
        }),
    ];
}

function script(plan: AirtimePlan): (channel: ChannelPlan) => MachineFile {
    return (channel) =>
        templateFile(
            `/etc/aerial/playout/${channel.id}.liq`,
            "liquidsoap",
            "airtime/playlist/playout.liq.eta",
            {
                channel,
                stationName: plan.stationName,
                mount: sourceMount(channel.id, plan.sourceName),
                user: plan.sourceName,
                passwordFile: passwordFile(channel.id),
                playedFile: `${stateFolder(plan)}/played/${channel.id}.jsonl`,
                controlSocket: `/run/aerial-playout/${channel.id}/control.sock`,
                bitrateKbps: sourceBitrateKbps,
                masters: plan.masters,
            },
        );
}

/** A connection that stands was admitted with the old password and stays; the new one is read for the next. */
function password(plan: AirtimePlan, { id }: ChannelPlan): SecretFile {
    return {
        path: passwordFile(id),
        secretFormat: "raw",
        content: `@{${sourcePasswordName(id, plan.sourceName)}}\n`,
        owner: "root:liquidsoap",
        mode: "0640",
    };
}
