import { backupFiles, backupSecrets, type BackupRolePlan } from "../airtimeBackup/render";
import { baseRole } from "../machine/base";
import { program, unit } from "../machine/files";
import { mergeRoles, type MachineFile, type MachineRole } from "../machine/role";
import {
    refuseOtherSecrets,
    refusePlaceholders,
    sourcePasswordName,
    type SecretNames,
} from "../machine/secrets";
import { libretimeBackup, renderLibretime } from "./libretime";
import { libraryFolder, refuseUnusablePlan, volumeFolder, type AirtimePlan } from "./plan";
import { playlistBackup, renderPlaylist } from "./playlist";

/**
 * Renders what Airtime's machine gets: its volume, the playout software, and what backs both up.
 *
 * @throws when a name cannot be used, or the software cannot do what the plan wants.
 */
export function renderAirtime(plan: AirtimePlan): MachineRole {
    refusePlaceholders(plan);
    refuseUnusablePlan(plan);
    const { prepareWords, ...software } =
        plan.software === "libretime" ? renderLibretime(plan) : renderPlaylist(plan);
    const backup = plan.backup && backupFiles(backupPlan(plan, plan.backup));
    const volume: MachineRole = {
        packages: ["python3", "tzdata"],
        files: volumeFiles(plan, prepareWords),
        units: ["aerial-volume.service"],
        // What is on it would have to stop for it.
        services: [{ unit: "aerial-volume.service", reads: [], onChange: "nothing" }],
        maskedUnits: [],
    };
    const role = mergeRoles(baseRole(), volume, software, {
        ...{ packages: [], files: [], units: [], services: [], maskedUnits: [] },
        ...backup,
    });
    refuseOtherSecrets(role.files, airtimeSecrets(plan));
    return role;
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
