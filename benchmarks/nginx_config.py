"""What nginx is told: to be S3's objects, Lambda's invocations, and the few facts that a run asks beforehand."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

ECHO_MODULE = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where nginx serves what: buckets are folders under `buckets`; an invocation takes `latency_s`.

    `log` is the file into which it writes each invocation, see `benchmarks.arrivals`.
    """

    home: Path
    buckets: Path
    port: int
    latency_s: float = 0.0
    log: Path | None = None


def nginx_config(setting: Setting) -> str:
    """The whole configuration file."""
    home = setting.home
    return _CONFIG % {
        # Else its workers are nobody, who may not read a lake in a private folder.
        "user": "user root;" if os.geteuid() == 0 else "",
        "module": ECHO_MODULE,
        "home": home,
        "open_files": _open_files(),
        "temporary": "\n    ".join(f"{kind}_temp_path {home}/{kind};" for kind in _TEMPORARY),
        "port": setting.port,
        "buckets": setting.buckets,
        "log": f"access_log {setting.log} invoked;" if setting.log else "",
        "sleep": f"echo_sleep {setting.latency_s:.3f};" if setting.latency_s else "",
    }


def _open_files() -> int:
    """How many objects are kept open: connections need some of what a process may open, too."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(50_000, most // 2)


# An invocation's body is read to its end before the answer, as Lambda does: hence echo_read_request_body,
# and echo_exec for an answer that has a length. Who is gone before there is one is in the log, too: hence two places
# that write to it. What may not be asked is AWS's 403, which a run can bear.
_CONFIG = """\
%(user)s
daemon off;
pid %(home)s/nginx.pid;
error_log %(home)s/error.log;
worker_processes auto;
load_module %(module)s;
events { worker_connections 4096; }
http {
    access_log off;
    log_format invoked escape=none '$msec $request_time $request_body';
    %(temporary)s
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    client_max_body_size 8m;
    client_body_buffer_size 8m;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=%(open_files)d inactive=600s;
    open_file_cache_valid 600s;
    default_type binary/octet-stream;
    upstream listings { server unix:%(home)s/listings.sock; keepalive 64; }
    geo $latest { default '$LATEST'; }
    map $http_x_amz_invocation_type $invoked { default /_done; Event /_queued; DryRun /_allowed; }
    server {
        listen 127.0.0.1:%(port)d backlog=4096;
        location ~ ^/2015-03-31/functions/[^/]+/invocations$ {
            echo_read_request_body;
            %(log)s
            %(sleep)s
            echo_exec $invoked;
        }
        location = /_done { internal; %(log)s default_type application/json; return 200 '{}'; }
        location = /_queued { internal; return 202; }
        location = /_allowed { internal; return 204; }

        location ~ ^/2015-03-31/functions/([^/]+)/configuration$ {
            default_type application/json;
            return 200 '{"FunctionName":"$1","FunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:$1",\
"Role":"arn:aws:iam::123456789012:role/cncb-listener-role","State":"Active","LastUpdateStatus":"Successful",\
"LastModified":"2023-11-22T00:00:00.000+0000","Timeout":30,"Version":"$latest","CodeSha256":"bench"}';
        }
        location ~ ^/2015-03-31/event-source-mappings/?$ {
            default_type application/json;
            return 200 '{"EventSourceMappings":[]}';
        }
        location ~ ^/20\\d\\d-\\d\\d-\\d\\d/functions/[^/]+/concurrency$ {
            default_type application/json;
            return 200 '{}';
        }
        location ~ ^/20\\d\\d-\\d\\d-\\d\\d/functions/[^/]+/event-invoke-config$ {
            default_type application/json;
            add_header x-amzn-errortype ResourceNotFoundException always;
            return 404 '{"Type":"User","Message":"The function has no EventInvokeConfig"}';
        }
        location ~ ^/20\\d\\d-\\d\\d-\\d\\d/ {
            default_type application/json;
            add_header x-amzn-errortype AccessDeniedException always;
            return 403 '{"Message":"not allowed here"}';
        }
        location = / {
            default_type text/xml;
            return 200 '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\
<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/bench</Arn><UserId>AIDABENCH</UserId>\
<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>';
        }
        location ~ ^/[^/]+/?$ {
            proxy_pass http://listings;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffers 64 64k;
        }
        location / { root %(buckets)s; }
    }
}
"""
