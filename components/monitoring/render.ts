import { anyMachineTlsName, metricsPort, monitoringName } from "../../model/monitoring";
import { baseRole } from "../machine/base";
import { jsonFile, program, unit } from "../machine/files";
import { certificateFolder } from "../machine/metrics";
import { mergeRoles, type MachineFile, type MachineRole } from "../machine/role";
import { refuseOtherSecrets, refusePlaceholders, type SecretNames } from "../machine/secrets";
import { figuresRole } from "./figures";
import { logsRole } from "./logs";
import type { MonitoringPlan } from "./plan";

/** Name of the key of the receiver that metrics also go to. */
export const remoteWriteKeyName = "monitoring.remote-write";

const configurationFolder = "/etc/aerial/prometheus/";
const configurationFile = `${configurationFolder}prometheus.yml`;
const machinesFile = `${configurationFolder}machines.json`;
const remoteWriteKeyFile = `${configurationFolder}remote-write-key`;

/** How often metrics are read, in seconds. */
const intervalSeconds = 15;

/** Renders what the monitoring machine gets: Prometheus, and what it reads. */
export function renderMonitoring(plan: MonitoringPlan): MachineRole {
    refusePlaceholders(plan);
    const files = [
        jsonFile(configurationFile, prometheusConfiguration(plan)),
        jsonFile(machinesFile, targets(plan)),
        unit("monitoring/prometheus/aerial-prometheus.service.eta", {
            ...{ configuration: configurationFile },
            ...{ days: plan.retentionDays, mebibytes: plan.retentionMiB },
        }),
        ...["check.sh", "status.py"].map((name) => program(`monitoring/check/${name}`)),
        ...remoteWriteFiles(plan),
    ];
    refuseOtherSecrets(files, monitoringSecrets(plan));
    return mergeRoles(
        baseRole(),
        {
            packages: ["curl", "prometheus"],
            files,
            units: ["aerial-prometheus.service"],
            services: [
                {
                    unit: "aerial-prometheus.service",
                    // Which machines there are it sees by itself.
                    reads: [configurationFile, remoteWriteKeyFile],
                    onChange: "reload",
                    check: ["promtool", "check", "config", configurationFile],
                    packages: ["prometheus"],
                },
            ],
            maskedUnits: ["prometheus.service"],
        },
        logsRole(plan.logs, Object.keys(plan.machines)),
        figuresRole(plan),
    );
}

/** The secrets that the files ask for. */
export function monitoringSecrets({ remoteWrite }: Pick<MonitoringPlan, "remoteWrite">): SecretNames {
    return { values: remoteWrite ? [remoteWriteKeyName] : [], files: [] };
}

function prometheusConfiguration(plan: MonitoringPlan): object {
    return {
        global: {
            scrape_interval: `${intervalSeconds}s`,
            scrape_timeout: "10s",
            evaluation_interval: `${intervalSeconds}s`,
            external_labels: { station: plan.stationName },
        },
        scrape_configs: [
            {
                job_name: "machine",
                scheme: "https",
                tls_config: {
                    ca_file: `${certificateFolder}/ca.pem`,
                    cert_file: `${certificateFolder}/machine.pem`,
                    key_file: `${certificateFolder}/machine.key`,
                    // Machines are known by address: this name is in the certificate of each.
                    server_name: anyMachineTlsName,
                },
                file_sd_configs: [{ files: [machinesFile] }],
                // The machine's name says more than its address, which another one may have tomorrow.
                relabel_configs: [{ source_labels: ["machine"], target_label: "instance" }],
            },
            { job_name: "prometheus", static_configs: [{ targets: ["127.0.0.1:9090"], labels: own(plan) }] },
        ],
        ...(plan.remoteWrite && { remote_write: [remoteWrite(plan.remoteWrite)] }),
    };
}

function own({ region }: MonitoringPlan): Record<string, string> {
    return { machine: monitoringName, role: "monitoring", region };
}

function remoteWrite({ url }: NonNullable<MonitoringPlan["remoteWrite"]>): object {
    return { url, name: "remote", authorization: { credentials_file: remoteWriteKeyFile } };
}

function remoteWriteFiles({ remoteWrite }: MonitoringPlan): MachineFile[] {
    if (!remoteWrite) {
        return [];
    }
    return [
        {
            path: remoteWriteKeyFile,
            content: `@{${remoteWriteKeyName}}`,
            secretFormat: "raw",
            owner: "root:prometheus",
            mode: "0640",
        },
    ];
}

function targets(plan: MonitoringPlan): object[] {
    return [
        ...Object.entries(plan.machines).map(([machine, { role, region, address }]) => ({
            targets: [`${address}:${metricsPort}`],
            labels: { machine, role, region },
        })),
        { targets: [`127.0.0.1:${metricsPort}`], labels: own(plan) },
    ];
}
