# Sourced by ./mvnw and ./icefield: sets JAVA_HOME to a JDK 25, wherever it is.

is_jdk25() { # HOME: does it hold a whole JDK of that release?
  [ -x "$1/bin/javac" ] && grep -q '^JAVA_VERSION="25' "$1/release" 2>/dev/null
}

find_jdk25() {
  for home in "${JAVA_HOME:-}" "${JDK25_HOME:-}"; do
    if [ -n "$home" ] && is_jdk25 "$home"; then echo "$home"; return; fi
  done
  old_ifs=$IFS; IFS=:
  for folder in $PATH; do
    javac=$folder/javac
    [ -x "$javac" ] || continue
    while [ -L "$javac" ]; do # bin/javac is a chain of links on most systems
      target=$(readlink "$javac")
      case $target in /*) javac=$target ;; *) javac=${javac%/*}/$target ;; esac
    done
    home=${javac%/bin/javac}
    if is_jdk25 "$home"; then IFS=$old_ifs; echo "$home"; return; fi
  done
  IFS=$old_ifs
  for home in /usr/lib/jvm/* /usr/java/* /opt/java/* /opt/jdk* /opt/*jdk* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* \
    "$HOME"/.local/share/mise/installs/java/* "$HOME"/.asdf/installs/java/* "$HOME"/.jabba/jdk/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home "$HOME"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    if is_jdk25 "$home"; then echo "$home"; return; fi
  done
}

JAVA_HOME=$(find_jdk25)
if [ -z "$JAVA_HOME" ]; then
  echo "Icefield needs a JDK 25 and found none in JAVA_HOME, in PATH or in the usual folders." >&2
  echo "Install one (any vendor's), or say where it is: JAVA_HOME=/path/to/jdk-25 $0 ..." >&2
  exit 1
fi
export JAVA_HOME
