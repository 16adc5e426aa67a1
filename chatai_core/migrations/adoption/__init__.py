"""The database of a former ChatAI becomes one of this: recognised, brought to the first revision, its tokens sealed."""
