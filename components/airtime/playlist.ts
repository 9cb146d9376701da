import type { SoftwareRole } from "./software";
import type { ChannelPlan } from "../../model/channels";
import { sourceMount } from "../../model/sources";
import type { BackupRolePlan } from "../airtimeBackup/render";
import type { SecretFile } from "../machine/delivery";
import type { MachineFile } from "../machine/role";
import { readTemplate, renderTemplate } from "../machine/template";
import { pushBitrateKbps, volumeFolder, type AirtimePlan } from "./plan";

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
        files: [...programs(), ...units(plan), ...settings(plan), ...plan.channels.map(script(plan))],
        secretFiles: plan.channels.map((channel) => password(plan, channel)),
        prepareWords: plan.channels.map(({ id }) => id),
    };
}

/** What of it is to be kept safe, and how PostgreSQL's programs are called there. */
export function playlistBackup(plan: AirtimePlan): Pick<BackupRolePlan, "database" | "configuration"> {
    return {
        database: { name: "airtime", command: ["runuser", "-u", "postgres", "--"] },
        configuration: [`${volumeFolder(plan.volumeName)}/schedule.txt`, "/etc/aerial/airtime.json"],
    };
}

function programs(): MachineFile[] {
    const folder = "/usr/local/lib/aerial";
    const file = (path: string, template: string, mode = "0755"): MachineFile => ({
        path,
        content: readTemplate(`airtime/playlist/${template}`),
        mode,
    });
    return [
        ...["catalogue", "check", "database", "playout", "prepare", "status"].map((name) =>
            file(`${folder}/${name}`, name),
        ),
        ...modules.map((name) => file(`${folder}/airtime/${name}.py`, `airtime/${name}.py`, "0644")),
        file(`${folder}/airtime/schema.sql`, "airtime/schema.sql", "0644"),
        file("/usr/local/sbin/aerial-schedule", "aerial-schedule"),
    ];
}

function units(plan: AirtimePlan): MachineFile[] {
    const values = { folder: `${volumeFolder(plan.volumeName)}/postgresql`, state: stateFolder(plan) };
    const names = ["aerial-postgresql.service", "aerial-catalogue.service", "aerial-playout@.service"];
    return names.map((name) => ({
        path: `/etc/systemd/system/${name}`,
        content: renderTemplate("unit", `airtime/units/${name}.eta`, values),
        mode: "0644",
    }));
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
        { path: "/etc/aerial/airtime.json", content: `${JSON.stringify(known, null, 4)}\n`, mode: "0644" },
        {
            path: "/usr/local/share/aerial/schedule.txt",
            content: renderTemplate("unit", "airtime/playlist/schedule.txt.eta", {
                stationName: plan.stationName,
                timeZone: plan.timeZone,
                channels,
            }),
            mode: "0644",
        },
    ];
}

function script(plan: AirtimePlan): (channel: ChannelPlan) => MachineFile {
    return (channel) => ({
        path: `/etc/aerial/playout/${channel.id}.liq`,
        content: renderTemplate("liquidsoap", "airtime/playlist/playout.liq.eta", {
            channel,
            stationName: plan.stationName,
            mount: sourceMount(channel.id, plan.sourceName),
            user: plan.sourceName,
            passwordFile: passwordFile(channel.id),
            playedFile: `${stateFolder(plan)}/played/${channel.id}.jsonl`,
            controlSocket: `/run/aerial-playout/${channel.id}/control.sock`,
            bitrateKbps: pushBitrateKbps,
            masters: plan.masters,
        }),
        mode: "0644",
    });
}

/** A connection that stands was admitted with the old password and stays; the new one is read for the next. */
function password(plan: AirtimePlan, { id }: ChannelPlan): SecretFile {
    return {
        target: passwordFile(id),
        format: "raw",
        content: `@{source.${id}.${plan.sourceName}}\n`,
        owner: "root:liquidsoap",
        mode: "0640",
        reload: [],
    };
}
