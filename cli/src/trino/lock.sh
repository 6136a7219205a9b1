#!/bin/sh
# Writes the lock file of the Trino that the local mesh runs: every jar of Trino's server and of its Iceberg and
# TPC-H connectors, with size and SHA-256, resolved by Maven from the version in the root pom.
#   cli/src/trino/lock.sh            # after a change of `trino.version`; then run the tests and commit the result
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
version=$(sed -n 's:.*<trino.version>\(.*\)</trino.version>.*:\1:p' "$top/pom.xml")
lock=$top/cli/src/main/resources/io/icefield/local/trino.lock
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
set -f

# Not needed for REST catalogs on S3-compatible stores: other clouds, other catalogs, native parts of Netty.
left_out="net.snowflake:* org.rocksdb:* org.alluxio:* io.grpc:* com.google.cloud:* com.google.api:* com.google.api-client:*
  com.google.api.grpc:* com.google.http-client:* com.google.auth:* com.google.apis:* com.google.oauth-client:*
  com.google.cloud.bigdataoss:* com.azure:* com.microsoft.azure:* org.projectnessie.nessie:* org.postgresql:* org.conscrypt:*
  io.trino.coral:* io.trino.hive:hive-thrift io.projectreactor:* io.projectreactor.netty:* software.amazon.awssdk:glue
  io.netty:netty-codec-native-quic io.netty:netty-tcnative-boringssl-static io.netty:netty-transport-native-epoll
  io.netty:netty-transport-native-kqueue io.netty:netty-resolver-dns-native-macos"
exclusions=
for name in $left_out; do
  exclusions="$exclusions<exclusion><groupId>${name%%:*}</groupId><artifactId>${name#*:}</artifactId></exclusion>"
done

jars() { # artifact folder
  mkdir -p "$work/$1"
  cat > "$work/$1/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>lock</groupId><artifactId>$1</artifactId><version>1</version>
  <dependencyManagement><dependencies><dependency>
    <groupId>io.trino</groupId><artifactId>trino-root</artifactId><version>$version</version><type>pom</type><scope>import</scope>
  </dependency></dependencies></dependencyManagement>
  <dependencies><dependency>
    <groupId>io.trino</groupId><artifactId>$1</artifactId><version>$version</version><exclusions>$exclusions</exclusions>
  </dependency></dependencies>
</project>
POM
  "$top/mvnw" -q -B -ntp -f "$work/$1/pom.xml" dependency:3.9.0:list -DincludeScope=runtime \
    -DoutputAbsoluteArtifactFilename=true -DoutputFile="$work/$1/list" >&2
  # group:artifact:jar[:classifier]:version:scope:file[ -- module …]
  sed -n 's/^ *\([^ ]*:jar:[^ ]*\).*/\1/p' "$work/$1/list" | while IFS=: read -r group artifact _ a b c d; do
    case $c in
      /*) version_=$a; file=$c; classifier= ;;
      *) classifier=$a; version_=$b; file=$d ;;
    esac
    sum=$( (sha256sum "$file" 2> /dev/null || shasum -a 256 "$file") | cut -d' ' -f1)
    echo "$2/$group.${file##*/} $sum $(wc -c < "$file" | tr -d ' ') $group:$artifact:$version_${classifier:+:$classifier}"
  done
}
{ jars trino-main lib; jars trino-iceberg plugin/iceberg; jars trino-tpch plugin/tpch; } > "$work/lock"
LC_ALL=C sort -o "$lock" "$work/lock"
echo "$(wc -l < "$lock" | tr -d ' ') jars in ${lock#"$top"/}" >&2
