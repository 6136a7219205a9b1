package io.icefield.policy;

import java.util.List;

/// One rule about a proposed change. Pure: no I/O, no clock; same change, same answer.
@FunctionalInterface
public interface Policy {
    /// Everything that is wrong with the change, in the order of its columns; empty when nothing is.
    List<Violation> check(Change change);

    /// All of them at once; never stops at the first.
    static Policy all(List<? extends Policy> policies) {
        List<Policy> each = List.copyOf(policies);
        return change ->
                each.stream().flatMap(policy -> policy.check(change).stream()).toList();
    }
}
