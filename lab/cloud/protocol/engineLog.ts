import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** Sends a line about a resource to the engine, which shows it in the progress. */
export type EngineLog = (urn: string, message: string, severity: "info" | "warning") => void;

/** A log to the engine at an address such as `127.0.0.1:40123`. It never fails: a line more or less matters little. */
export function engineLog(address: string | undefined): EngineLog {
    if (address === undefined) {
        return () => {};
    }
    let client: EngineClient | undefined;
    return (urn, message, severity) => {
        client ??= new EngineClient(address, credentials.createInsecure());
        const request = new LogRequest();
        request.setUrn(urn);
        request.setMessage(message);
        request.setSeverity(severity === "warning" ? LogSeverity.WARNING : LogSeverity.INFO);
        client.log(request, () => {});
    };
}
