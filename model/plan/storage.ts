import { daysPerMonth, regionPrices } from "../canaryCosts";
import { amazonPrices, type PricedStorageClass } from "../prices";
import { recordingsLockDays, recordingsPutsPerHour } from "../recordings";
import type { PlannedBackup, PlannedRecordings } from "./station";
import { gbPerGib, hoursPerMonth } from "./transfer";

/** Shows are as if they had come evenly over this time: the classes that they have reached follow from it. */
const libraryDays = 365;

/** A dump of the database is about this large, and comes every hour. */
const dumpMiB = 1;
const dumpsPerDay = 24;

/** Dumps move to STANDARD_IA at this age. */
const dumpStandardDays = 30;

/** The weekly restore drill reads all shows. The daily one reads five, which is nothing beside it. */
const readsPerMonth = daysPerMonth / 7;

/** What part of the shows is in which class. */
export function showParts(
    showClasses: PlannedBackup["showClasses"],
): { storageClass: PricedStorageClass; part: number }[] {
    const steps = [{ afterDays: 0, storageClass: "STANDARD" as PricedStorageClass }, ...showClasses];
    return steps
        .map(({ afterDays, storageClass }, index) => {
            const until = Math.min(steps[index + 1]?.afterDays ?? libraryDays, libraryDays);
            return { storageClass, part: Math.max(0, until - afterDays) / libraryDays };
        })
        .filter(({ part }) => part > 0);
}

/** What the backup costs in a month, in US dollars; and what its drills send from S3. */
export function planStorage(backup: PlannedBackup): {
    showsUsd: number;
    archiveUsd: number;
    /** To read all shows weekly, without what is sent. */
    readUsd: number;
    sentGb: number;
} {
    const { showsGiB, archiveDays } = backup;
    const parts = showParts(backup.showClasses);
    const perGib = (price: "monthlyUsdPerGib" | "readUsdPerGib"): number =>
        parts.reduce(
            (sum, { storageClass, part }) => sum + part * amazonPrices.storageClasses[storageClass][price],
            0,
        );
    const { factor } = regionPrices(backup.region);
    const factors = factor + (backup.copyRegion === undefined ? 0 : regionPrices(backup.copyRegion).factor);
    const copiedGiB =
        backup.copyRegion === undefined
            ? 0
            : (showsGiB * daysPerMonth) / libraryDays + dumpsGib(daysPerMonth);
    return {
        showsUsd:
            showsGiB * perGib("monthlyUsdPerGib") * factors +
            copiedGiB * amazonPrices.betweenRegionsUsdPerGib,
        archiveUsd: factors * archiveMonthlyUsd(archiveDays),
        readUsd: showsGiB * perGib("readUsdPerGib") * readsPerMonth * factor,
        sentGb: showsGiB * gbPerGib * readsPerMonth,
    };
}

/** An object expires at a midnight, is an old version then, and is deleted at a midnight again. */
const leavingDays = recordingsLockDays + 2;

/**
 * What recordings of some Masters take: each keeps its hours for their days, and besides, as old versions, the takes that its
 * hours were made of.
 */
export function planRecordings(
    { region, days, bitratesKbps }: PlannedRecordings,
    masters: number,
): { storedGib: number; monthlyUsd: number } {
    const kbps = bitratesKbps.reduce((sum, bitrate) => sum + bitrate, 0);
    const dailyGib = (masters * kbps * 1000 * 3600 * 24) / 8 / 2 ** 30;
    const storedGib = dailyGib * (days + 2 * leavingDays);
    const puts = masters * bitratesKbps.length * recordingsPutsPerHour * hoursPerMonth;
    const { storageClasses, putUsdPer1000 } = amazonPrices;
    return {
        storedGib,
        monthlyUsd:
            regionPrices(region).factor *
            (storedGib * storageClasses.STANDARD.monthlyUsdPerGib + (puts / 1000) * putUsdPer1000),
    };
}

function archiveMonthlyUsd(archiveDays: number): number {
    const standard = Math.min(archiveDays, dumpStandardDays);
    const { STANDARD, STANDARD_IA } = amazonPrices.storageClasses;
    return (
        dumpsGib(standard) * STANDARD.monthlyUsdPerGib +
        dumpsGib(archiveDays - standard) * STANDARD_IA.monthlyUsdPerGib
    );
}

function dumpsGib(days: number): number {
    return (days * dumpsPerDay * dumpMiB) / 1024;
}
