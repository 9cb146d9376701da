/*
 * Waits until an instance of the wanted launch template version is in service and healthy. If none becomes healthy, it
 * fails with the reason, so that `pulumi up` stops before it touches any droplet.
 *
 * It does not wait for the rest of the refresh: old instances keep their listeners for up to an hour.
 *
 * After a failure it stops the refresh and sets the group back to the launch template version that is in service, so that
 * new instances start from a proven template. The refresh's own rollback cannot do this: the provider changes the group
 * before it starts the refresh, which then rolls back to the same broken version (terraform-provider-aws issue 34189).
 */
import {
    AutoScalingClient,
    CancelInstanceRefreshCommand,
    DescribeAutoScalingGroupsCommand,
    DescribeInstanceRefreshesCommand,
    DescribeScalingActivitiesCommand,
    UpdateAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";

/**
 * @import { AutoScalingGroup, Instance, InstanceRefresh } from "@aws-sdk/client-auto-scaling"
 * @import { Parameter } from "@aws-sdk/client-ssm"
 *
 * @typedef {object} Look What the group looks like at one moment.
 * @property {AutoScalingGroup} group
 * @property {InstanceRefresh | undefined} refresh
 * @property {Parameter | undefined} report
 * @property {Instance[]} machines
 */

const { AERIAL_REGION: region, AERIAL_GROUP: name = "", AERIAL_REPORT: reportName } = process.env;
const wantedVersion = process.env.AERIAL_TEMPLATE_VERSION;
const waitMs = 1000 * Number(process.env.AERIAL_WAIT_SECONDS);
const pollMs = 1000 * Number(process.env.AERIAL_POLL_SECONDS ?? "5");
if (!region || !name || !reportName || !wantedVersion || !(waitMs > 0)) {
    console.error(
        "AERIAL_REGION, AERIAL_GROUP, AERIAL_REPORT, AERIAL_TEMPLATE_VERSION and AERIAL_WAIT_SECONDS are needed",
    );
    process.exit(2);
}

/** How many looks in a row must find the instance healthy. */
const proof = 3;
/** How many instances must report a failure before the template counts as bad: one may have had bad luck. */
const failuresToBlame = 2;
/** How many looks in a row may fail. The SDK repeats requests by itself besides. */
const patience = 3;
/** States of a refresh that will put no instance into service. */
const ended = [
    "Failed",
    "Cancelled",
    "Cancelling",
    "RollbackInProgress",
    "RollbackFailed",
    "RollbackSuccessful",
];

const groups = new AutoScalingClient({ region });
const parameters = new SSMClient({ region });

/** @returns {Promise<Look>} */
async function look() {
    const [
        { AutoScalingGroups: [group] = [] },
        { InstanceRefreshes: [refresh] = [] },
        { Parameter: report },
    ] = await Promise.all([
        groups.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] })),
        groups.send(new DescribeInstanceRefreshesCommand({ AutoScalingGroupName: name, MaxRecords: 1 })),
        parameters.send(new GetParameterCommand({ Name: reportName })),
    ]);
    if (!group) {
        throw new Error(`there is no group ${name} in ${region}`);
    }
    return { group, refresh, report, machines: group.Instances ?? [] };
}

/** @param {Instance} machine */
const isOurs = (machine) => machine.LaunchTemplate?.Version === wantedVersion;
/** @param {Instance} machine */
const isWell = (machine) => machine.LifecycleState === "InService" && machine.HealthStatus === "Healthy";

/**
 * Texts of failed attempts since a moment, newest first.
 *
 * @param {Date} since
 */
async function failedActivities(since) {
    const { Activities = [] } = await groups.send(
        new DescribeScalingActivitiesCommand({ AutoScalingGroupName: name, MaxRecords: 20 }),
    );
    return Activities.filter(
        ({ StatusCode, StartTime }) => StatusCode === "Failed" && (StartTime ?? since) >= since,
    ).map(({ StatusMessage, Description }) => StatusMessage ?? Description ?? "failed without a word");
}

/**
 * One line about the present, for whoever watches.
 *
 * @param {Look} now
 */
function describe({ machines, refresh }) {
    const ours = machines.filter(isOurs).map((machine) => `${machine.InstanceId} ${machine.LifecycleState}`);
    const others = machines.length - ours.length;
    return [
        `template ${wantedVersion}: ${ours.join(", ") || "no machine yet"}`,
        ...(others > 0 ? [`${others} of other templates`] : []),
        ...(refresh ? [`refresh ${refresh.Status} ${refresh.PercentageComplete ?? 0} %`] : []),
    ].join("; ");
}

/**
 * One step of {@link goBack}; what goes wrong is told and does not hide the reason for it.
 *
 * @param {string} what
 * @param {() => Promise<unknown>} action
 */
async function attempt(what, action) {
    try {
        await action();
        console.log(what);
    } catch (error) {
        console.log(`not done: ${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
}

/**
 * Stops what would go on trying for up to an hour, and makes the group start what has been proven.
 *
 * @param {Look} now
 */
async function goBack({ group, refresh, machines }) {
    if (["Pending", "InProgress", "Baking"].includes(refresh?.Status ?? "")) {
        await attempt("refresh cancelled", () =>
            groups.send(new CancelInstanceRefreshCommand({ AutoScalingGroupName: name })),
        );
    }
    const proven = machines.find((machine) => !isOurs(machine) && isWell(machine))?.LaunchTemplate;
    if (proven && group.LaunchTemplate?.Version === wantedVersion) {
        const { LaunchTemplateId, Version } = proven;
        await attempt(`the group starts machines of launch template version ${Version} again`, () =>
            groups.send(
                new UpdateAutoScalingGroupCommand({
                    AutoScalingGroupName: name,
                    LaunchTemplate: { LaunchTemplateId, Version },
                }),
            ),
        );
    }
}

/**
 * @param {string} headline
 * @param {Look} now
 * @param {Date} since
 */
async function fail(headline, now, since) {
    const { refresh, report } = now;
    const activities = await failedActivities(since).catch(() => []);
    await goBack(now);
    const told = isSince(report, since) ? report?.Value : undefined;
    const lines = [
        `the canary of ${name} is not on air with launch template version ${wantedVersion}: ${headline}`,
        ...(refresh?.StatusReason ? [`refresh: ${refresh.StatusReason}`] : []),
        `the machine's own words: ${told ?? "none; it never came so far as to say any"}`,
        ...activities.slice(0, 3).map((text) => `group: ${text}`),
        "what was in service before still is; correct the template and run pulumi up again",
    ];
    console.error(lines.join("\n"));
    process.exitCode = 1;
}

/**
 * Whether a machine has written the report since a moment.
 *
 * @param {Parameter | undefined} report
 * @param {Date} since
 */
function isSince(report, since) {
    return report?.LastModifiedDate !== undefined && report.LastModifiedDate >= since;
}

async function main() {
    const deadline = Date.now() + waitMs;
    /** @type {Set<number>} */
    const reports = new Set();
    let last = "";
    let goodLooks = 0;
    let failedLooks = 0;
    for (; ; await new Promise((resolve) => setTimeout(resolve, pollMs))) {
        /** @type {Look} */
        let now;
        try {
            now = await look();
            failedLooks = 0;
        } catch (error) {
            failedLooks += 1;
            if (failedLooks >= patience) {
                console.error(`cannot see how ${name} does: ${String(error)}`);
                process.exitCode = 1;
                return;
            }
            continue;
        }
        const line = describe(now);
        if (line !== last) {
            console.log(line);
            last = line;
        }
        const since = now.refresh?.StartTime ?? now.group.CreatedTime ?? new Date(0);
        const canary = now.machines.find((machine) => isOurs(machine) && isWell(machine));
        goodLooks = canary ? goodLooks + 1 : 0;
        if (canary && goodLooks >= proof) {
            console.log(`${canary.InstanceId} is in service and healthy`);
            return;
        }
        // Version 1 is the group's own "nothing yet".
        const version = now.report?.Version ?? 0;
        if (version > 1 && isSince(now.report, since)) {
            reports.add(version);
        }
        if (!canary && now.refresh && ended.includes(now.refresh.Status ?? "")) {
            return fail(`the refresh is ${now.refresh.Status}`, now, since);
        }
        if (!canary && reports.size >= failuresToBlame) {
            return fail(`${reports.size} machines did not get well`, now, since);
        }
        if (Date.now() > deadline) {
            return fail(`it took longer than ${waitMs / 1000} s`, now, since);
        }
    }
}

await main();
