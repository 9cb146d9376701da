/*
 * NGINX at the address of all regions, which reads the name that a connection asks for and hands it on as it is, TLS and
 * all: signatures and conditions on the transport are the region's server's to check.
 */

/** The front's own socket among the others, by which its start is seen. */
export const frontSocket = "front.sock";

/** The name without a region, by which clients still call the first region: botocore does. */
export const globalDomain = "s3.amazonaws.com";
export const globalRegion = "us-east-1";
export const globalSocket = "global.sock";

/** Regions without buckets have no server: a connection to one is closed at once. */
export function frontConfiguration(address: string): string {
    return `user root;
daemon off;
worker_processes 1;
pid /run/front.pid;
error_log stderr crit;
load_module modules/ngx_stream_module.so;
events {
    worker_connections 2048;
}
stream {
    map $ssl_preread_server_name $gateway {
        "~(^|\\.)s3\\.(?<region>[a-z0-9-]+)\\.amazonaws\\.com$" unix:/sockets/$region.sock;
        "~(^|\\.)s3\\.amazonaws\\.com$" unix:/sockets/${globalSocket};
        default unix:/sockets/none.sock;
    }
    server {
        listen ${address}:443;
        listen unix:/sockets/${frontSocket};
        ssl_preread on;
        proxy_connect_timeout 2s;
        proxy_pass $gateway;
    }
}
`;
}
