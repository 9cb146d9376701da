import { readFileSync } from "node:fs";
import { join } from "node:path";

import {
    checkovFindings,
    judge,
    parliamentFindings,
    readAcceptances,
    type Finding,
} from "../../../tools/policy/findings";
import { readGolden } from "../../../tools/policy/golden";
import { filledIn, policiesIn, policiesOf } from "../../../tools/policy/policies";
import { terraformPlan } from "../../../tools/policy/terraformPlan";

const root = join(__dirname, "../../..");

describe("the Terraform plan that checkov reads", () => {
    const dump = readGolden("prod");
    const plan = terraformPlan(dump);
    const valuesOf = (address: string) =>
        plan.planned_values.root_module.resources.find((one) => one.address === address)?.values;

    it("has every resource at Amazon, and no other", () => {
        expect(plan.resource_changes).toHaveLength(dump.filter(({ type }) => type.startsWith("aws:")).length);
        expect(plan.resource_changes.length).toBeGreaterThan(60);
    });

    it("has Terraform's names, and a list of one block for each object", () => {
        expect(valuesOf("aws_launch_template.canary-template")).toMatchObject({
            metadata_options: [{ http_tokens: "required", http_put_response_hop_limit: 1 }],
            vpc_security_group_ids: ["[canary-security]"],
        });
        expect(valuesOf("aws_s3_bucket_versioning.backup-shows-versions")).toMatchObject({
            versioning_configuration: [{ status: "Enabled" }],
        });
        expect(valuesOf("aws_vpc.canary-vpc")).toMatchObject({ tags: { Name: "aerial-prod-canary" } });
    });

    it("leads from what is set on a bucket to the bucket", () => {
        const settings = plan.configuration.root_module.resources.filter(({ type }) =>
            type.startsWith("aws_s3_bucket_"),
        );
        expect(settings.length).toBeGreaterThan(20);
        for (const { expressions } of settings) {
            expect(expressions.bucket?.references[1]).toMatch(/^aws_s3_bucket\./);
        }
    });

    it("refuses a type that it does not know: it would go unchecked", () => {
        const unknown = { type: "aws:sqs/queue:Queue", name: "queue", inputs: {} };
        expect(() => terraformPlan([unknown])).toThrow(/queue: no name of Terraform's is known for aws:sqs/);
    });
});

describe("what is accepted", () => {
    const finding: Finding = {
        ...{ tool: "checkov", rule: "CKV_1", resource: "backup-shows", place: "prod", title: "Locks" },
    };
    const accepted = { rule: "CKV_1", resources: ["backup-*"], reason: "Because." };

    it("is a rule for a resource, by its whole name or its beginning", () => {
        expect(judge([finding], [accepted])).toEqual({ open: [], stale: [] });
        expect(judge([finding], [{ ...accepted, resources: ["backup-shows"] }]).open).toEqual([]);
        expect(judge([finding], [{ ...accepted, resources: ["backup"] }]).open).toEqual([finding]);
        expect(judge([finding], [{ ...accepted, rule: "CKV_2" }]).open).toEqual([finding]);
    });

    it("is accepted in its own place only, where it names one", () => {
        expect(judge([finding], [{ ...accepted, place: "preprod" }])).toEqual({
            open: [finding],
            stale: ["CKV_1 backup-*"],
        });
    });

    it("is an error once nothing is found: the list shrinks with what it excuses", () => {
        expect(judge([finding], [{ ...accepted, resources: ["backup-*", "canary"] }]).stale).toEqual([
            "CKV_1 canary",
        ]);
    });

    it("has a reason, each", () => {
        for (const { reason } of readAcceptances()) {
            expect(reason.length).toBeGreaterThan(20);
        }
    });
});

describe("what the tools say", () => {
    it("becomes findings by stack and resource", () => {
        const failed = {
            ...{ check_id: "CKV_AWS_18", check_name: "Logs", file_path: "/prod.json" },
            resource: "aws_s3_bucket.backup-shows",
        };
        const report = { results: { failed_checks: [failed] }, summary: { parsing_errors: 0 } };
        expect(checkovFindings(JSON.stringify([report]))).toEqual([
            { tool: "checkov", rule: "CKV_AWS_18", title: "Logs", resource: "backup-shows", place: "prod" },
        ]);
        const said = {
            ...{ issue: "UNKNOWN_ACTION", title: "Unknown action", detail: "s3:GetObjekt" },
            location: { filepath: "/policies/preprod.backup-reader.json" },
        };
        expect(parliamentFindings(`${JSON.stringify(said)}\n`)).toMatchObject([
            {
                rule: "UNKNOWN_ACTION",
                place: "preprod",
                resource: "backup-reader",
                title: "Unknown action: s3:GetObjekt",
            },
        ]);
    });

    it("is an error where checkov could not read a file", () => {
        const report = { results: { failed_checks: [] }, summary: { parsing_errors: 1 } };
        expect(() => checkovFindings(JSON.stringify(report))).toThrow("could not read 1 file");
    });
});

describe("the policies that parliament reads", () => {
    it("are those of users, roles and buckets", () => {
        expect(Object.keys(policiesOf(readGolden("prod")))).toEqual(
            expect.arrayContaining([
                "backup-writer",
                "backup-replication",
                "canary-policy",
                "backup-shows-policy",
            ]),
        );
    });
});

describe("the bootstrap at Amazon", () => {
    const template = filledIn(readFileSync(join(root, "tools/bootstrap/aws.yaml"), "utf8"), {
        ...{ Stack: "prod", Repository: "radio/aerial", BucketPrefix: "radio-example-prod" },
        "AWS::AccountId": "123456789012",
    });
    const role = (name: string) =>
        template.Resources[name]?.Properties.AssumeRolePolicyDocument as {
            Statement: { Condition: { StringEquals: Record<string, string> } }[];
        };
    const statements = (name: string) =>
        (JSON.parse(policiesIn(template)[name] ?? "{}") as { Statement: Statement[] }).Statement;
    interface Statement {
        Effect: string;
        Action: string | string[];
        Resource: string | string[];
    }
    const allowed = (name: string): string[] =>
        statements(name)
            .filter(({ Effect }) => Effect === "Allow")
            .flatMap(({ Action }) => Action);

    it.each([
        ["Preview", "repo:radio/aerial:environment:preview-prod"],
        ["Deploy", "repo:radio/aerial:environment:prod"],
    ])("gives the role %s to one environment of one repository", (name, subject) => {
        for (const { Condition } of role(name).Statement) {
            expect(Condition).toEqual({
                StringEquals: {
                    "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                    "token.actions.githubusercontent.com:sub": subject,
                },
            });
        }
    });

    it("lets a preview change nothing", () => {
        for (const action of allowed("Preview")) {
            expect(action).toMatch(/^\w+:(Get|List|Describe|View)/);
        }
    });

    it("lets neither role undo a lock, nor change itself", () => {
        expect(allowed("Deploy").join()).not.toMatch(/s3:\*|s3:Bypass|s3:PutObjectRetention/);
        const identities = statements("Deploy")
            .filter(({ Action }) => [Action].flat().some((one) => one.startsWith("iam:")))
            .flatMap(({ Resource }) => Resource);
        expect(identities.join()).not.toMatch(/pipeline|\*:role\/\*|role\/aerial-prod-\*/);
    });

    it.each(["prod", "preprod"] as const)(
        "lets a deployment work with every service that %s has",
        (stack) => {
            const services: Record<string, string> = { lb: "elasticloadbalancing", vpc: "ec2" };
            const used = readGolden(stack)
                .filter(({ type }) => type.startsWith("aws:"))
                .map(({ type }) => type.split(/[:/]/)[1] ?? "")
                .map((service) => services[service] ?? service);
            const known = new Set(allowed("Deploy").map((action) => action.split(":")[0]));
            expect([...new Set(used)].filter((service) => !known.has(service))).toEqual([]);
        },
    );
});
