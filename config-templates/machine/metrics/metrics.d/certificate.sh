#!/bin/sh
# When this machine's certificate of the station's CA ends.
set -eu

end=$(openssl x509 -in /etc/aerial/machine/machine.pem -noout -enddate)
echo '# HELP aerial_machine_certificate_not_after_seconds End of this machine'"'"'s certificate of the station'"'"'s CA, in seconds since 1970.'
echo '# TYPE aerial_machine_certificate_not_after_seconds gauge'
echo "aerial_machine_certificate_not_after_seconds $(date -d "${end#*=}" +%s)"
