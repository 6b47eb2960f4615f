#!/usr/bin/env bash
# Makes every service pull its image again, and waits until all of them are stable.
set -euo pipefail

CLUSTER="doc-platform"
SERVICES=(api frontend mcp storage)

for service in "${SERVICES[@]}"; do
  aws ecs update-service --cluster "$CLUSTER" --service "$service" --force-new-deployment > /dev/null
done

aws ecs wait services-stable --cluster "$CLUSTER" --services "${SERVICES[@]}"
echo "Deployed ${SERVICES[*]}"
