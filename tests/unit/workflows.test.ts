import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** The parts of a GitHub workflow that these tests look at. */
interface Workflow {
    on: Record<string, unknown>;
    permissions?: unknown;
    jobs: Record<string, Job>;
}

interface Job {
    permissions?: unknown;
    "timeout-minutes"?: number;
    steps: { uses?: string; run?: string; with?: Record<string, unknown>; env?: Record<string, string> }[];
}

const root = join(__dirname, "../..");
const folder = join(root, ".github/workflows");
const workflows = readdirSync(folder).map((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    return { name, text, workflow: parse(text) as Workflow };
});
const jobs = workflows.flatMap(({ name, workflow }) =>
    Object.entries(workflow.jobs).map(([job, content]) => ({ title: `${name}, ${job}`, job: content })),
);

/** The pinned engine: tools/pulumi/go.mod is where it is written. */
const engineVersion = /pulumi\/pkg\/v3 v([\d.]+)/.exec(
    readFileSync(join(root, "tools/pulumi/go.mod"), "utf8"),
)?.[1];

test("there are workflows for tests and previews", () => {
    expect(workflows.map(({ name }) => name)).toEqual(expect.arrayContaining(["preview.yml", "test.yml"]));
});

describe.each(workflows)("workflow $name", ({ text, workflow }) => {
    it("pins every action by its full commit, with the version beside it", () => {
        const uses = text.split("\n").filter((line) => /^\s*(- )?uses:/.test(line));
        expect(uses).not.toEqual([]);
        for (const line of uses) {
            expect(line).toMatch(/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        }
    });

    it("grants nothing by default", () => {
        expect(workflow.permissions).toEqual({});
    });

    it("never runs a stranger's code with our secrets", () => {
        expect(Object.keys(workflow.on)).not.toContain("pull_request_target");
        expect(Object.keys(workflow.on)).not.toContain("workflow_run");
    });

    it("never prints secrets", () => {
        expect(text).not.toContain("--show-secrets");
    });

    it("puts nothing into a script that the author of a pull request can choose", () => {
        const scripts = Object.values(workflow.jobs).flatMap((job) =>
            job.steps.map((step) => step.run ?? ""),
        );
        for (const script of scripts) {
            expect(script).not.toMatch(/\$\{\{\s*(github\.(event|head_ref)|inputs)/);
        }
    });
});

describe.each(jobs)("job $title", ({ job }) => {
    it("declares its permissions and a time limit", () => {
        expect(job.permissions).toBeDefined();
        expect(job.permissions).not.toBe("write-all");
        expect(job["timeout-minutes"]).toBeLessThanOrEqual(60);
    });

    it("leaves no credentials in the checkout", () => {
        for (const step of job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
            expect(step.with).toMatchObject({ "persist-credentials": false });
        }
    });

    it("runs the pinned engine, without outputs in comments", () => {
        for (const step of job.steps.filter(({ uses }) => uses?.startsWith("pulumi/actions@"))) {
            expect(step.with).toMatchObject({ "pulumi-version": engineVersion, "suppress-outputs": true });
        }
    });
});

test("SDK, engine and lab name the same version", () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
        dependencies: Record<string, string>;
    };
    expect(dependencies["@pulumi/pulumi"]).toBe(engineVersion);
    expect(readFileSync(join(root, "lab/engine/command.ts"), "utf8")).toContain(
        `engineVersion = "${engineVersion}"`,
    );
});
