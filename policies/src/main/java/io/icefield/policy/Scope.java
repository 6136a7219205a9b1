package io.icefield.policy;

import java.util.List;
import java.util.Locale;

/// Which tables a policy is about. Each list holds globs (`*` any text, `?` one character, case does not matter); an
/// empty list means all.
///
/// @param namespaces matched with the levels joined by dots
/// @param tables a namespace itself counts as the table with the empty name, which only `*` matches
public record Scope(List<String> domains, List<String> namespaces, List<String> tables) {
    public static final Scope EVERYTHING = new Scope(List.of(), List.of(), List.of());

    public Scope {
        domains = List.copyOf(domains);
        namespaces = List.copyOf(namespaces);
        tables = List.copyOf(tables);
    }

    public boolean holds(TableName name) {
        return any(domains, name.domain())
                && any(namespaces, String.join(".", name.namespace()))
                && any(tables, name.table());
    }

    private static boolean any(List<String> globs, String text) {
        return globs.isEmpty() || globs.stream().anyMatch(glob -> matches(glob, text));
    }

    /// Whether the text fits the glob. At most glob times text steps, whatever they are.
    public static boolean matches(String glob, String text) {
        String pattern = glob.toLowerCase(Locale.ROOT);
        String value = text.toLowerCase(Locale.ROOT);
        int p = 0;
        int v = 0;
        int star = -1;
        int retry = 0;
        while (v < value.length()) {
            if (p < pattern.length() && pattern.charAt(p) == '*') {
                star = p++;
                retry = v;
            } else if (p < pattern.length() && (pattern.charAt(p) == '?' || pattern.charAt(p) == value.charAt(v))) {
                p++;
                v++;
            } else if (star >= 0) {
                p = star + 1;
                v = ++retry;
            } else {
                return false;
            }
        }
        while (p < pattern.length() && pattern.charAt(p) == '*') {
            p++;
        }
        return p == pattern.length();
    }
}
