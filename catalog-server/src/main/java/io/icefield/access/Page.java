package io.icefield.access;

import java.util.List;
import java.util.Optional;

/// One page of a list, in the order of its keys.
///
/// @param next where the next page starts; empty: this was the last
public record Page<T>(List<T> items, Optional<String> next) {
    /// Items of a page when the caller does not say.
    public static final int SIZE_DEFAULT = 1_000;

    public static final int SIZE_MAX = 10_000;

    public Page {
        items = List.copyOf(items);
    }

    /// Which page is wanted.
    ///
    /// @param after key of the last item of the page before; empty: from the start
    /// @param size 1 to [#SIZE_MAX]; `Integer.MAX_VALUE` for everything at once
    public record Request(String after, int size) {
        public static final Request ALL = new Request("", Integer.MAX_VALUE);
    }
}
