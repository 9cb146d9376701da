import { randomUUID } from "node:crypto";

import { exclusively } from "../cloud/records";

/**
 * An error as DigitalOcean's client writes it, so that what fails here reads as it would there: for example
 * `POST https://api.digitalocean.com/v2/droplets: 422 (request "…") You specified an invalid size …`.
 */
export class ApiError extends Error {
    constructor(
        readonly status: number,
        request: string,
        reason: string,
    ) {
        const [method = "", path = ""] = request.split(" ");
        super(
            `${method} https://api.digitalocean.com${path}: ${status} (request "${randomUUID()}") ${reason}`,
        );
        this.name = "ApiError";
    }
}

/** The API's answer about something that is not there, or no longer. */
export function notFound(request: string): ApiError {
    return new ApiError(404, request, "The resource you were accessing could not be found.");
}

/** Adds what the provider was doing, as the real one does: `Error creating droplet: POST …`. */
export async function doing<T>(what: string, body: () => Promise<T>): Promise<T> {
    try {
        return await body();
    } catch (error) {
        if (error instanceof ApiError) {
            throw new Error(`Error ${what}: ${error.message}`, { cause: error });
        }
        throw error;
    }
}

/** The same for what changes records, which nobody else does meanwhile. */
export function changing<T>(what: string, body: () => Promise<T>): Promise<T> {
    return doing(what, () => exclusively(body));
}
