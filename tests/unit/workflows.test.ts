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
    environment?: string;
    concurrency?: unknown;
    steps: Step[];
}

interface Step {
    uses?: string;
    run?: string;
    with?: Record<string, unknown>;
    env?: Record<string, string>;
}

const ourAction = "./.github/actions/pulumi";

const root = join(__dirname, "../..");
const folder = join(root, ".github/workflows");
const workflows = readdirSync(folder).map((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    return { name, text, workflow: parse(text) as Workflow };
});
const jobs = workflows.flatMap(({ name, workflow }) =>
    Object.entries(workflow.jobs).map(([job, content]) => ({ title: `${name}, ${job}`, job: content })),
);

const action = parse(readFileSync(join(root, ourAction, "action.yml"), "utf8")) as {
    inputs: Record<string, { required?: boolean }>;
    runs: { steps: Step[] };
};
const readYaml = (file: string): unknown => parse(readFileSync(join(root, file), "utf8"));

/** The pinned engine: tools/pulumi/go.mod is where it is written. */
const engineVersion = /pulumi\/pkg\/v3 v([\d.]+)/.exec(
    readFileSync(join(root, "tools/pulumi/go.mod"), "utf8"),
)?.[1];

test("there are workflows for tests, previews, both stacks and the drift", () => {
    expect(workflows.map(({ name }) => name).sort()).toEqual([
        ...["drift.yml", "preprod.yml", "preview.yml", "prod.yml", "test.yml"],
    ]);
});

describe("what the workflows do with a stack", () => {
    const uses = jobs.flatMap(({ title, job }) =>
        job.steps
            .filter((step) => step.uses === ourAction)
            .map((step) => ({ title, job, with: step.with ?? {} })),
    );

    it.each(uses)(
        "in $title is done in an environment of that stack alone",
        ({ job, with: { stack, command } }) => {
            const given = String(stack);
            expect(job.environment).toBe(command === "up" ? given : `preview-${given}`);
        },
    );

    it.each(uses)(
        "in $title has all that it needs from that environment, and no key of Amazon's",
        ({ job, ...use }) => {
            const required = Object.entries(action.inputs).filter(([, { required }]) => required);
            expect(Object.keys(use.with)).toEqual(expect.arrayContaining(required.map(([name]) => name)));
            expect(job.permissions).toMatchObject({ "id-token": "write" });
        },
    );

    it("is one thing at a time: no `up` is cut off by a later one, nor held up by an approval that waits", () => {
        const prod = readYaml(".github/workflows/prod.yml") as Job;
        expect(prod.concurrency).toMatchObject({ "cancel-in-progress": false });
        const preprod = readYaml(".github/workflows/preprod.yml") as Job & { jobs: Record<string, Job> };
        expect(preprod.concurrency).toBeUndefined();
        expect(preprod.jobs.preprod?.concurrency).toMatchObject({ "cancel-in-progress": false });
        expect(preprod.jobs.approval?.concurrency).toMatchObject({ "cancel-in-progress": true });
    });

    it("never needs a long-lived key of Amazon's", () => {
        const texts = [...workflows.map(({ text }) => text), JSON.stringify(action)];
        expect(texts.join()).not.toMatch(/AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY/);
    });

    it("goes to production at five in the morning of the station", () => {
        const { on } = readYaml(".github/workflows/prod.yml") as Workflow;
        const station = (readYaml("Pulumi.prod.yaml") as { config: Record<string, { timeZone: string }> })
            .config["aerial:station"];
        expect(on.schedule).toEqual([{ cron: "0 5 * * *", timezone: station?.timeZone }]);
    });

    it("goes to production only after somebody's approval, which comes after preproduction", () => {
        const { jobs } = readYaml(".github/workflows/preprod.yml") as {
            jobs: Record<string, Job & { needs?: string }>;
        };
        expect(jobs.approval).toMatchObject({ needs: "preprod", environment: "prod-approval" });
        const prod = (readYaml(".github/workflows/prod.yml") as { jobs: Record<string, Job> }).jobs.prod;
        expect(prod?.steps[0]?.with).toMatchObject({ ref: "${{ needs.approved.outputs.commit }}" });
    });
});

it("calls only npm scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
        scripts: Record<string, string>;
    };
    const called = jobs.flatMap(({ job }) =>
        job.steps.flatMap(({ run = "" }) =>
            [...run.matchAll(/npm run (?:--silent )?([\w-]+)/g)].map(([, name]) => name),
        ),
    );
    expect(called.sort()).toEqual(["approved-commit", "report-drift"]);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(called));
});

it.each([".github/actions/pulumi/action.yml", ...workflows.map(({ name }) => `.github/workflows/${name}`)])(
    "%s pins every action by its full commit, with the version beside it",
    (file) => {
        const lines = readFileSync(join(root, file), "utf8").split("\n");
        const uses = lines.filter((line) => /^\s*(- )?uses:/.test(line) && !line.endsWith(` ${ourAction}`));
        expect(uses).not.toEqual([]);
        for (const line of uses) {
            expect(line).toMatch(/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        }
    },
);

describe.each(workflows)("workflow $name", ({ text, workflow }) => {
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
        expect(job["timeout-minutes"]).toBeLessThanOrEqual(120);
    });

    it("leaves no credentials in the checkout", () => {
        for (const step of job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
            expect(step.with).toMatchObject({ "persist-credentials": false });
        }
    });

    it("runs Pulumi by our own action alone", () => {
        expect(job.steps.filter(({ uses }) => uses?.startsWith("pulumi/"))).toEqual([]);
    });
});

test("our action runs the pinned engine, without outputs in comments", () => {
    const steps = action.runs.steps.filter(({ uses }) => uses?.startsWith("pulumi/actions@"));
    expect(steps).toHaveLength(1);
    expect(steps[0]?.with).toMatchObject({ "pulumi-version": engineVersion, "suppress-outputs": true });
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
