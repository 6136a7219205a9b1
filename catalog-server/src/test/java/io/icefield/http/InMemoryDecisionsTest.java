package io.icefield.http;

import io.icefield.audit.DecisionStore;
import io.icefield.audit.DecisionStoreContract;

final class InMemoryDecisionsTest extends DecisionStoreContract {
    private final DecisionStore store = new InMemoryDecisions();

    @Override
    protected DecisionStore store() {
        return store;
    }
}
