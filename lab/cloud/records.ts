import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { z } from "zod";

import { readJson, writeJson } from "../workstation/files";
import { withLock } from "../workstation/lock";
import { cloudFolder } from "../paths";

/** What the lab cloud holds of one kind: one file a resource, so that a person can look at it. */
export class Records<Record extends object> {
    constructor(
        private readonly kind: string,
        private readonly schema: z.ZodType<Record>,
    ) {}

    get(id: string): Record | undefined {
        const value = readJson(this.file(id));
        return value === undefined ? undefined : this.schema.parse(value);
    }

    /** All records, in the order of their ids. */
    all(): Record[] {
        return this.ids().flatMap((id) => this.get(id) ?? []);
    }

    ids(): string[] {
        try {
            const names = readdirSync(cloudFolder(this.kind)).filter((name) => name.endsWith(".json"));
            return names.map((name) => decodeURIComponent(name.slice(0, -".json".length))).sort();
        } catch {
            return [];
        }
    }

    put(id: string, record: Record): void {
        writeJson(this.file(id), record);
    }

    remove(id: string): void {
        rmSync(this.file(id), { force: true });
    }

    private file(id: string): string {
        return join(cloudFolder(this.kind), `${encodeURIComponent(id)}.json`);
    }
}

/** The next number of a series. Numbers are never given twice. Call it within `exclusively`. */
export function nextNumber(series: string, first: number): number {
    const file = join(cloudFolder("numbers"), series);
    const last = readJson(file);
    const next = typeof last === "number" ? last + 1 : first;
    writeJson(file, next);
    return next;
}

/** Runs `body` while no other provider of this lab changes records: addresses and names are given out in it. */
export function exclusively<T>(body: () => Promise<T>): Promise<T> {
    return withLock(cloudFolder("lock"), body);
}
