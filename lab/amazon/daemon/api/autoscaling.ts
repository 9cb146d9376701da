import {
    activities,
    type GroupRecord,
    groups,
    type InstanceRecord,
    instances,
    refreshes,
    targets,
    templates,
    versionOf,
} from "../../records";
import { changeGroup, changeInstance, changeRefresh } from "../changes";
import { ApiRefusal, authorize, type Call } from "./operation";

/* Auto Scaling: what instances answer their hooks with, and what the operator looks at. Requests are forms. */

export type FormOperation = (form: URLSearchParams, call: Call) => Promise<object>;

function invalid(said: string): ApiRefusal {
    return new ApiRefusal("ValidationError", said);
}

/** A list of the query protocol: `Names.member.1=a&Names.member.2=b`. */
function listOf(form: URLSearchParams, name: string): string[] {
    const values: string[] = [];
    for (let n = 1; form.has(`${name}.member.${n}`); n++) {
        values.push(form.get(`${name}.member.${n}`) ?? "");
    }
    return values;
}

function iso(time: number | undefined): string | undefined {
    return time === undefined ? undefined : new Date(time).toISOString();
}

/** The group that a request names. @throws when there is none, which only those learn who may ask. */
function groupOf(form: URLSearchParams, call: Call, action: string): GroupRecord {
    const name = form.get("AutoScalingGroupName") ?? "";
    const group = groups.get(name);
    const nowhere = `arn:aws:autoscaling:${call.region}:${call.caller.accountId}:autoScalingGroup:*:autoScalingGroupName/${name}`;
    authorize(call, action, group?.arn ?? nowhere);
    if (group?.region !== call.region) {
        throw invalid(`AutoScalingGroup name not found - no such group: ${name}`);
    }
    return group;
}

/** The instance whose hook is meant. */
function waiting(form: URLSearchParams, group: GroupRecord): InstanceRecord {
    const [id, hook] = [form.get("InstanceId") ?? "", form.get("LifecycleHookName")];
    const found = instances.get(id);
    if (found?.group !== group.name || found.lifecycle !== "Pending:Wait" || found.hook?.name !== hook) {
        throw invalid(`No active Lifecycle Action found with instance ID ${id}`);
    }
    return found;
}

function healthOf(one: InstanceRecord): "Healthy" | "Unhealthy" {
    const sick = targets
        .all()
        .some(({ instanceId, state }) => instanceId === one.id && state === "unhealthy");
    return sick || one.failed === true ? "Unhealthy" : "Healthy";
}

function shown(group: GroupRecord): object {
    const own = instances.all().filter((one) => one.group === group.name);
    const launchTemplate = (version: string) => ({
        LaunchTemplateId: group.templateId,
        LaunchTemplateName: templates.get(group.templateId)?.name,
        Version: version,
    });
    return {
        AutoScalingGroupName: group.name,
        AutoScalingGroupARN: group.arn,
        LaunchTemplate: launchTemplate(group.templateVersion),
        MinSize: group.min,
        MaxSize: group.max,
        DesiredCapacity: group.desired,
        Instances: own.map((one) => ({
            InstanceId: one.id,
            AvailabilityZone: one.zone,
            LifecycleState: one.lifecycle,
            HealthStatus: healthOf(one),
            LaunchTemplate: launchTemplate(String(one.templateVersion)),
        })),
        CreatedTime: iso(group.createdAt),
        ...(group.deleting && { Status: "Delete in progress" }),
    };
}

/** The first of a list, as many as asked for; nobody here asks for a second page. */
function newest<One>(all: readonly One[], form: URLSearchParams): One[] {
    return all.slice(0, Number(form.get("MaxRecords") ?? 100));
}

export const autoscaling: Readonly<Record<string, FormOperation>> = {
    async CompleteLifecycleAction(form, call) {
        const group = groupOf(form, call, "autoscaling:CompleteLifecycleAction");
        const result = form.get("LifecycleActionResult");
        if (result !== "CONTINUE" && result !== "ABANDON") {
            throw invalid("Lifecycle action result must be CONTINUE or ABANDON");
        }
        const { id } = waiting(form, group);
        await changeInstance(id, (one) => ({ ...one, hook: one.hook && { ...one.hook, result } }));
        return {};
    },

    async RecordLifecycleActionHeartbeat(form, call) {
        const group = groupOf(form, call, "autoscaling:RecordLifecycleActionHeartbeat");
        const { id, hook } = waiting(form, group);
        const seconds = group.hooks.find(({ name }) => name === hook?.name)?.heartbeatSeconds ?? 3600;
        const deadline = Date.now() + seconds * 1000;
        await changeInstance(id, (one) => ({ ...one, hook: one.hook && { ...one.hook, deadline } }));
        return {};
    },

    /** Only what a program needs to go back to a template that is proven. */
    async UpdateAutoScalingGroup(form, call) {
        const { name } = groupOf(form, call, "autoscaling:UpdateAutoScalingGroup");
        const known = ["Action", "Version", "AutoScalingGroupName"];
        const other = [...form.keys()].find(
            (key) => !known.includes(key) && !/^LaunchTemplate\.(LaunchTemplateId|Version)$/.test(key),
        );
        if (other !== undefined) {
            throw invalid(`the lab changes the launch template only, not ${other}`);
        }
        const templateId = form.get("LaunchTemplate.LaunchTemplateId") ?? "";
        const templateVersion = form.get("LaunchTemplate.Version") ?? "$Default";
        const template = templates.get(templateId);
        if (!template || !versionOf(template, templateVersion)) {
            const said = `Could not find version ${templateVersion} of launch template ${templateId}`;
            throw invalid(`You must use a valid fully-formed launch template. ${said}`);
        }
        await changeGroup(name, (group) => ({ ...group, templateId, templateVersion }));
        return {};
    },

    async CancelInstanceRefresh(form, call) {
        const { name } = groupOf(form, call, "autoscaling:CancelInstanceRefresh");
        const refresh = refreshes.all().find((one) => one.group === name && one.status === "InProgress");
        if (!refresh) {
            throw new ApiRefusal(
                "ActiveInstanceRefreshNotFound",
                `No in progress or pending Instance Refresh found for Auto Scaling group ${name}`,
            );
        }
        const reason = "Cancelled due to user request.";
        await changeRefresh(refresh.id, { status: "Cancelled", reason, endedAt: Date.now() });
        return { InstanceRefreshId: refresh.id };
    },

    async DescribeAutoScalingGroups(form, call) {
        authorize(call, "autoscaling:DescribeAutoScalingGroups", "*");
        const names = listOf(form, "AutoScalingGroupNames");
        const wanted = groups
            .all()
            .filter(
                ({ name, region }) => region === call.region && (names.length === 0 || names.includes(name)),
            );
        return { AutoScalingGroups: wanted.map(shown) };
    },

    async DescribeInstanceRefreshes(form, call) {
        authorize(call, "autoscaling:DescribeInstanceRefreshes", "*");
        const name = form.get("AutoScalingGroupName");
        const ids = listOf(form, "InstanceRefreshIds");
        const wanted = refreshes
            .all()
            .filter(({ group, id }) => group === name && (ids.length === 0 || ids.includes(id)))
            .sort((one, other) => other.startedAt - one.startedAt);
        return {
            InstanceRefreshes: newest(wanted, form).map((refresh) => ({
                InstanceRefreshId: refresh.id,
                AutoScalingGroupName: refresh.group,
                Status: refresh.status,
                StatusReason: refresh.reason,
                StartTime: iso(refresh.startedAt),
                EndTime: iso(refresh.endedAt),
                PercentageComplete: refresh.percentage,
                InstancesToUpdate: refresh.toUpdate,
                DesiredConfiguration: {
                    LaunchTemplate: {
                        LaunchTemplateId: refresh.templateId,
                        Version: String(refresh.templateVersion),
                    },
                },
            })),
        };
    },

    async DescribeScalingActivities(form, call) {
        authorize(call, "autoscaling:DescribeScalingActivities", "*");
        const name = form.get("AutoScalingGroupName");
        const wanted = activities
            .all()
            .filter(({ group }) => name === null || group === name)
            .reverse();
        return {
            Activities: newest(wanted, form).map((activity) => ({
                ActivityId: activity.id,
                AutoScalingGroupName: activity.group,
                Description: activity.description,
                Cause: activity.cause,
                StartTime: iso(activity.startedAt),
                EndTime: iso(activity.endedAt),
                StatusCode: activity.status,
                StatusMessage: activity.message,
                Progress: activity.endedAt === undefined ? 50 : 100,
            })),
        };
    },
};
