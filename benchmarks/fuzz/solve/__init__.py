"""Evidence for the solver: textbook sets, spoilt certificates, random terms; judged by arithmetic of another make."""
