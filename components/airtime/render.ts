import { isDeepStrictEqual } from "node:util";

import { backupFiles, backupSecrets, type BackupRolePlan } from "../airtimeBackup/render";
import { machineTools } from "../machine/base";
import type { BulkFiles } from "../machine/bulk";
import { program, unit } from "../machine/files";
import { mergeRoles, type MachineFile, type MachineRole } from "../machine/role";
import { refusePlaceholders, secretFiles, sourcePasswordName, type SecretNames } from "../machine/secrets";
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
    const backup = plan.backup && backupFiles(backupPlan(plan, plan.backup));
    const common: MachineRole = {
        packages: ["python3", "tzdata", ...(backup?.packages ?? [])],
        files: [
            ...machineTools(),
            ...secretFiles([...software.secretFiles, ...(backup?.secretFiles ?? [])], airtimeSecrets(plan)),
            ...volumeFiles(plan, software.prepareWords),
        ],
        units: ["aerial.target", "aerial-volume.service"],
        maskedUnits: [],
    };
    const { packages, files, units, maskedUnits } = software;
    const role = mergeRoles(common, { packages, files, units, maskedUnits });
    // What the playout and its backup both need is there already.
    const isThere = (file: MachineFile) => role.files.some((present) => isDeepStrictEqual(present, file));
    return {
        role,
        bulk: {
            files: (backup?.files ?? []).filter((file) => !isThere(file)),
            units: backup?.units ?? [],
        },
    };
}

/** The secrets that Airtime's files ask for. */
export function airtimeSecrets({
    channels,
    sourceName,
    backup,
}: Pick<AirtimePlan, "channels" | "sourceName"> & { backup?: object | undefined }): SecretNames {
    const kept: SecretNames = backup ? backupSecrets : { values: [], files: [] };
    return {
        values: [...channels.map(({ id }) => sourcePasswordName(id, sourceName)), ...kept.values],
        files: kept.files,
    };
}

function volumeFiles(plan: AirtimePlan, prepareWords: string[]): MachineFile[] {
    return [
        program("airtime/volume/volume.sh"),
        unit("airtime/volume/aerial-volume.service.eta", {
            volumeName: plan.volumeName,
            volume: volumeFolder(plan.volumeName),
            prepareWords,
        }),
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
