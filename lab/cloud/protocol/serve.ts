import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";

import type { ProviderPackage } from "../kind";
import { engineLog } from "./engineLog";
import { serviceOf } from "./service";

/** The engine sends user data of up to 64 KiB per droplet and states of many; gRPC's default of 4 MiB is too near. */
const maxMessageBytes = 400 * 1024 * 1024;

/** How often to see whether the engine still lives, in ms. */
const orphanCheckMs = 500;

/**
 * Runs a provider as the engine starts it: the engine's address is the last argument, and the port is printed on the
 * first line. Ends with the engine, also when that was killed: an orphan would go on making machines.
 */
export async function serve(pkg: ProviderPackage, version: string): Promise<void> {
    const engine = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
    const server = new Server({
        "grpc.max_receive_message_length": maxMessageBytes,
        "grpc.max_send_message_length": maxMessageBytes,
    });
    server.addService(ResourceProviderService, serviceOf(pkg, version, engineLog(engine)));
    const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
            error ? reject(error) : resolve(bound),
        );
    });

    const parent = process.ppid;
    setInterval(() => {
        if (process.ppid !== parent) {
            process.exit(1);
        }
    }, orphanCheckMs).unref();
    // The engine's way of ending a provider. What is under way is finished.
    process.on("SIGINT", () => server.tryShutdown(() => process.exit(0)));

    process.stdout.write(`${port}\n`);
}
