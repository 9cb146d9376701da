import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { parse } from "yaml";

/** What checkov or parliament found. */
export interface Finding {
    tool: "checkov" | "parliament";
    /** The tool's name of the rule, such as `CKV_AWS_18`. */
    rule: string;
    /** Name of the resource. */
    resource: string;
    /** The stack, or the file of the bootstrap. */
    place: string;
    title: string;
}

/** A rule that does not hold here, and why that is right. */
export interface Acceptance {
    rule: string;
    /** Names of resources; `*` stands for any end. */
    resources: string[];
    /** The only stack, or `bootstrap`, in which it is accepted. Default: everywhere. */
    place?: string;
    reason: string;
}

/** The one file of what is accepted. */
export function readAcceptances(): Acceptance[] {
    return parse(readFileSync(join(__dirname, "accepted.yaml"), "utf8")) as Acceptance[];
}

/** Which findings nobody has accepted, and which acceptances find nothing any more. */
export function judge(
    findings: readonly Finding[],
    acceptances: readonly Acceptance[],
): { open: Finding[]; stale: string[] } {
    const each = acceptances.flatMap(({ resources, ...one }) =>
        resources.map((resource) => ({ ...one, resource })),
    );
    const accepts = (one: (typeof each)[number], { rule, resource, place }: Finding): boolean =>
        one.rule === rule &&
        (one.place ?? place) === place &&
        (one.resource.endsWith("*")
            ? resource.startsWith(one.resource.slice(0, -1))
            : resource === one.resource);
    return {
        open: findings.filter((finding) => !each.some((one) => accepts(one, finding))),
        stale: each
            .filter((one) => !findings.some((finding) => accepts(one, finding)))
            .map(({ rule, resource }) => `${rule} ${resource}`),
    };
}

/** checkov's report of one framework. */
interface CheckovReport {
    results: {
        failed_checks: { check_id: string; check_name: string; file_path: string; resource: string }[];
    };
    summary: { parsing_errors: number };
}

/**
 * The findings in checkov's JSON.
 *
 * @throws Error if checkov could not read a file.
 */
export function checkovFindings(json: string): Finding[] {
    const report = JSON.parse(json) as CheckovReport | CheckovReport[];
    return [report].flat().flatMap(({ results, summary }) => {
        if (summary.parsing_errors > 0) {
            throw new Error(`checkov could not read ${summary.parsing_errors} files`);
        }
        return results.failed_checks.map(
            ({ check_id: rule, check_name: title, file_path: file, resource }): Finding => ({
                ...{ tool: "checkov", rule, title },
                resource: resource.split(".").at(-1) ?? resource,
                place: placeOf(file),
            }),
        );
    });
}

/** The findings in parliament's JSON, one object a line. A file is named `<place>.<resource>.json`. */
export function parliamentFindings(lines: string): Finding[] {
    return lines
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map((line) => {
            const said = JSON.parse(line) as {
                issue: string;
                title: string;
                detail: unknown;
                location: { filepath: string };
            };
            const [place = "", resource = ""] = basename(said.location.filepath).split(".");
            const detail = said.detail
                ? `: ${typeof said.detail === "string" ? said.detail : JSON.stringify(said.detail)}`
                : "";
            return { tool: "parliament", rule: said.issue, resource, place, title: said.title + detail };
        });
}

function placeOf(file: string): string {
    return basename(file).split(".")[0] ?? file;
}
