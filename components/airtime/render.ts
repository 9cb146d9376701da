import { backupHostFiles, type BackupRolePlan } from "../airtimeBackup/render";
import { machineTools, pythonModule, refusePlaceholders, secretFiles } from "../machine/delivery";
import type { BulkFiles } from "../machine/bulk";
import { mergeRoles, type MachineFile, type MachineRole } from "../machine/role";
import { readTemplate, renderTemplate } from "../machine/template";
import { libretimeBackup, renderLibretime } from "./libretime";
import { libraryFolder, refuseUnusablePlan, volumeFolder, type AirtimePlan } from "./plan";
import { playlistBackup, renderPlaylist } from "./playlist";

/** Airtime's machine: its role, and what of it arrives over SSH because user data has no room for it. */
export interface AirtimeMachine {
    role: MachineRole;
    bulk: BulkFiles;
}

/**
 * Renders what Airtime's machine gets: its volume, the playout software, and, as its bulk, what backs both up.
 *
 * @throws when a name cannot be used, or the software cannot do what the plan wants.
 */
export function renderAirtime(plan: AirtimePlan): AirtimeMachine {
    refusePlaceholders(plan);
    refuseUnusablePlan(plan);
    const software = plan.software === "libretime" ? renderLibretime(plan) : renderPlaylist(plan);
    const backup = plan.backup && backupHostFiles(backupPlan(plan, plan.backup));
    const common: MachineRole = {
        packages: ["python3", "tzdata", ...(backup?.packages ?? [])],
        files: [
            ...machineTools(),
            pythonModule("audio"),
            ...secretFiles([...software.secretFiles, ...(backup?.secretFiles ?? [])]),
            ...volumeFiles(plan, software.prepareWords),
        ],
        units: ["aerial.target", "aerial-volume.service"],
        maskedUnits: [],
    };
    const { packages, files, units, maskedUnits } = software;
    return {
        role: mergeRoles(common, { packages, files, units, maskedUnits }),
        bulk: { files: backup?.files ?? [], units: backup?.units ?? [] },
    };
}

function volumeFiles(plan: AirtimePlan, prepareWords: string[]): MachineFile[] {
    return [
        { path: "/usr/local/lib/aerial/volume", content: readTemplate("airtime/volume"), mode: "0755" },
        {
            path: "/etc/systemd/system/aerial-volume.service",
            content: renderTemplate("unit", "airtime/units/aerial-volume.service.eta", {
                volumeName: plan.volumeName,
                volume: volumeFolder(plan.volumeName),
                prepareWords,
            }),
            mode: "0644",
        },
    ];
}

function backupPlan(plan: AirtimePlan, backup: NonNullable<AirtimePlan["backup"]>): BackupRolePlan {
    return {
        ...backup,
        libraries: plan.channels.map(({ id }) => ({ channel: id, path: libraryFolder(plan, id) })),
        restoreOwner: "aerial:aerial",
        ...(plan.software === "libretime" ? libretimeBackup(plan) : playlistBackup(plan)),
    };
}
