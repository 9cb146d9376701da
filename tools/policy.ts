import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";

import { checkovFindings, judge, parliamentFindings, readAcceptances, type Finding } from "./policy/findings";
import { readGolden } from "./policy/golden";
import { filledIn, policiesIn, policiesOf, type Policies } from "./policy/policies";
import { terraformPlan } from "./policy/terraformPlan";
import { checkout, resultsFolder } from "./testing/paths";

/*
 * `npm run policy`: checkov and parliament over all that the committed dumps and the bootstrap have at Amazon, offline.
 * It fails for what tools/policy/accepted.yaml does not accept, and for what is accepted there and not found any more.
 * Beside our own, both get a broken example, and have to find it: silence of a tool that read nothing is no success.
 */

const bootstrap = join(checkout, "tools/bootstrap/aws.yaml");
const control = "broken-example";

const brokenBucket = { type: "aws:s3/bucket:Bucket", name: control, inputs: { acl: "public-read" } };
const brokenPolicy = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:GetObjekt", Resource: "*" }],
};

const folder = join(resultsFolder, "policy");
rmSync(folder, { recursive: true, force: true });
const plans = join(folder, "plans");
const policies = join(folder, "policies");
for (const path of [plans, policies]) {
    mkdirSync(path, { recursive: true });
}

for (const stack of ["prod", "preprod"] as const) {
    const dump = readGolden(stack);
    writeFileSync(join(plans, `${stack}.json`), JSON.stringify(terraformPlan(dump)));
    writePolicies(stack, policiesOf(dump));
}
copyFileSync(bootstrap, join(plans, "bootstrap.yaml"));
writePolicies(
    "bootstrap",
    policiesIn(filledIn(readFileSync(bootstrap, "utf8"), { "AWS::AccountId": "1".repeat(12) })),
);
writeFileSync(join(plans, `${control}.json`), JSON.stringify(terraformPlan([brokenBucket])));
writePolicies(control, { [control]: JSON.stringify(brokenPolicy) });

const environment = spawnSync("tools/python/check", ["environment", "policy"], {
    cwd: checkout,
    encoding: "utf8",
});
const findings = [
    ...checkovFindings(
        call("checkov", [
            ...["--directory", plans, "--framework", "terraform_plan", "cloudformation"],
            ...["--output", "json", "--compact", "--quiet", "--skip-download"],
        ]),
    ),
    ...parliamentFindings(
        call("parliament", ["--directory", policies, "--include_policy_extension", "json", "--json"]),
    ),
];
const found = (tool: Finding["tool"], rule: string): boolean =>
    findings.some((one) => one.tool === tool && one.rule === rule && one.place === control);
const blind = [
    ...(found("checkov", "CKV_AWS_20") ? [] : ["checkov"]),
    ...(found("parliament", "UNKNOWN_ACTION") ? [] : ["parliament"]),
];
const { open, stale } = judge(
    findings.filter(({ place }) => place !== control),
    readAcceptances(),
);

for (const tool of blind) {
    console.error(`${tool} did not find the broken example: what it says of ours is worth nothing.`);
}
for (const { tool, rule, resource, place, title } of open) {
    console.error(`${place}: ${resource}: ${title} (${tool}, ${rule})`);
}
for (const acceptance of stale) {
    console.error(`tools/policy/accepted.yaml: ${acceptance} is not found any more; remove it.`);
}
process.exitCode = blind.length + open.length + stale.length === 0 ? 0 : 1;

function writePolicies(place: string, documents: Policies): void {
    for (const [name, document] of Object.entries(documents)) {
        writeFileSync(join(policies, `${place}.${name}.json`), document);
    }
}

/** What a tool prints. Both exit with 1 when they find something. */
function call(tool: Finding["tool"], argv: string[]): string {
    const program = join(environment.stdout.trim(), "bin", tool);
    const { status, stdout, stderr, error } = spawnSync(program, argv, { encoding: "utf8", maxBuffer: 1e8 });
    if (error !== undefined || (status !== 0 && status !== 1)) {
        throw new Error(`${tool} failed: ${error?.message ?? stderr} (tools/setup lint installs it)`);
    }
    return stdout;
}
