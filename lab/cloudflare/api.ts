/** What the API complains about: its number and its words. */
export interface Complaint {
    code: number;
    message: string;
}

const statusTexts: Readonly<Record<number, string>> = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    412: "Precondition Failed",
};

/**
 * An error as the provider passes on the API's, so that what fails here reads as it would there: for example
 * `failed to make http request: POST "https://api.cloudflare.com/client/v4/…": 400 Bad Request {…"code":1002…}`.
 */
export class ApiError extends Error {
    constructor(
        readonly status: number,
        request: string,
        complaint: Complaint & { error_chain?: Complaint[] },
    ) {
        const [method = "", path = ""] = request.split(" ");
        const body = { result: null, success: false, errors: [complaint], messages: [] };
        super(
            `failed to make http request: ${method} "https://api.cloudflare.com/client/v4${path}": ` +
                `${status} ${statusTexts[status] ?? ""} ${JSON.stringify(body)}`,
        );
        this.name = "ApiError";
    }
}

/** A value that load balancing does not take. */
export function validationFailed(request: string, message: string): ApiError {
    return new ApiError(400, request, { code: 1002, message: `${message}: validation failed` });
}

/** Something of this name is there already. */
export function notUnique(request: string): ApiError {
    return new ApiError(400, request, { code: 1003, message: "value not unique" });
}

/** Something else still needs what is to be deleted. */
export function stillReferenced(request: string): ApiError {
    return new ApiError(412, request, {
        code: 1005,
        message: "This object is referenced by other objects, delete them first.",
    });
}

/** A record that DNS does not take. */
export function dnsInvalid(request: string, code: number, message: string): ApiError {
    return new ApiError(400, request, {
        code: 1004,
        message: "DNS Validation Error",
        error_chain: [{ code, message }],
    });
}

/** There is no such object in the account. */
export function notFound(request: string, id: string): ApiError {
    return new ApiError(404, request, { code: 1001, message: `resource ${id} not found` });
}

/** No account or zone has this id, as far as the caller can see. */
export function noRoute(request: string): ApiError {
    const path = request.split(" ")[1] ?? "";
    return new ApiError(404, request, {
        code: 7003,
        message: `Could not route to /client/v4${path}, perhaps your object identifier is invalid?`,
    });
}
