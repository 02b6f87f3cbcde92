#!/usr/bin/env bash
# Regenerates protos/gen from protos/. Usage: infra/protos.sh [output folder]
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-protos/gen}
bin=${VENV:-.venv}/bin
rm -rf "$out" && mkdir -p "$out"
mapfile -t files < <(cd protos && find takedown buf -name '*.proto' | sort)
include=$("$bin/python" -c 'import grpc_tools, pathlib; print(pathlib.Path(grpc_tools.__file__).parent / "_proto")')
PATH="$bin:$PATH" "$bin/python" -m grpc_tools.protoc -I protos -I "$include" \
  --python_out="$out" --grpc_python_out="$out" --mypy_out="quiet:$out" --mypy_grpc_out="quiet:$out" \
  "${files[@]}"
# buf/validate has no services: protoc writes empty service modules for every file.
find "$out" -name '*_pb2_grpc.py*' | while read -r module; do
  grep -q 'def add_.*_to_server' "$module" || rm -f "$module"
done
